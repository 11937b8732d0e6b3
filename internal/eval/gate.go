package eval

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/courtsense/courtsense/internal/scene"
	"github.com/courtsense/courtsense/vision/gate"
)

// Gate measures a gate on a scripted crowd: people cross a hall one after the other, two or three at a time, in both
// directions, and hide each other. See package scene for what that shows and what not.
type Gate struct {
	People     []Crosser
	Recogniser gate.Recogniser
	Tracker    gate.TrackerConfig
	Look       time.Duration // least time between two looks; 0: the gate's default
	Width      int           // of the video, pixels
	Height     int
	FPS        float64
	Seed       uint64
	Zone       string // the policy's galleries, for the rule
	Progress   func(done, total int)
	// Shown gets every frame with what was made of it; nil: nobody.
	Shown func(f gate.Frame, o gate.Observation) error
}

// Crosser is one who crosses.
type Crosser struct {
	Person string     // id in the gallery, or a name of those who are not in it
	Known  bool       // enrolled, from another picture
	Head   scene.Head // as it is seen
}

// GateReport is the result of [Gate.Cross].
type GateReport struct {
	Task     string  `json:"task"` // "gate"
	Video    string  `json:"video"`
	Seconds  float64 `json:"video_seconds"`
	Crossers int     `json:"crossers"`
	Known    int     `json:"known"`
	// WrongAdmissions are strangers who were admitted, and known people who were admitted as others.
	WrongAdmissions int            `json:"wrong_admissions"`
	Misses          Interval       `json:"misses"` // known people who were not admitted
	DoubleEvents    int            `json:"double_events"`
	Unseen          int            `json:"strangers_without_event"`
	Switches        int            `json:"identity_switches"` // times that a track went over to somebody else
	Fragments       int            `json:"fragments"`         // tracks beyond one a person
	False           int            `json:"tracks_of_nobody"`
	Events          map[string]int `json:"events"`
	Threshold       float64        `json:"threshold"` // of the last event's frames
	FMR             float64        `json:"false_match_rate"`
	MeasuredOn      string         `json:"measured_on"`
	// CPU is the process's, in seconds a second of video, without the drawing of the video.
	CPU float64 `json:"cpu_seconds_per_second"`
	Setting
}

// crossing is the script of the crowd: who walks when and where, the same for a seed.
func (g Gate) crossing() *scene.Scene {
	s := scene.New(g.Width, g.Height, g.Seed)
	random := rand.New(rand.NewPCG(g.Seed, 11))
	begin := time.Duration(0)
	w, h := float64(g.Width), float64(g.Height)
	for _, p := range g.People {
		size := h * (0.13 + 0.09*random.Float64())
		y := h * (0.25 + 0.3*random.Float64())
		takes := time.Duration((4 + 2*random.Float64()) * float64(time.Second))
		from, to := size, w-size
		if random.IntN(2) == 0 {
			from, to = to, from
		}
		s.Walkers = append(s.Walkers, scene.Walker{Name: p.Person, Head: p.Head, Spots: []scene.Spot{
			{At: begin, X: from, Y: y, Width: size}, {At: begin + takes, X: to, Y: y + h*0.05*random.NormFloat64(), Width: size * (0.9 + 0.2*random.Float64())},
		}})
		begin += time.Duration((1.2 + 2*random.Float64()) * float64(time.Second))
	}
	return s
}

// policyOfHall admits everybody who is known, and looks at nothing else: a pasted portrait is no live face.
const policyOfHall = `
zones:
  hall:
    entry: [hall]
    galleries: [%s]
    liveness: false
    tailgating: false
    rules:
      - {name: known, admit: true}
`

// Cross plays the crowd.
func (g Gate) Cross(ctx context.Context) (GateReport, error) {
	r := GateReport{Task: "gate", Video: fmt.Sprintf("%dx%d at %g frames a second, seed %d", g.Width, g.Height, g.FPS, g.Seed), Crossers: len(g.People), Events: map[string]int{}}
	policy, err := gate.ParsePolicy(fmt.Appendf(nil, policyOfHall, g.Zone))
	if err != nil {
		return r, err
	}
	s := g.crossing()
	n := int(s.Length().Seconds()*g.FPS) + int(4*g.FPS)
	r.Seconds = float64(n) / g.FPS
	truth := newCrossingTruth(s)
	at := gate.New(gate.Config{Camera: "hall", Recogniser: g.Recogniser, Tracker: g.Tracker, LookEvery: g.Look, Policy: func() *gate.Policy { return policy }})
	epoch := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var cpu time.Duration
	for i := range n {
		now := time.Duration(float64(i) / g.FPS * float64(time.Second))
		frame := gate.Frame{Image: s.Frame(now), Time: epoch.Add(now)}
		before := processTime()
		o, err := at.Observe(ctx, frame)
		cpu += processTime() - before
		if err != nil {
			return r, err
		}
		truth.see(now, o)
		if g.Shown != nil {
			if err := g.Shown(frame, o); err != nil {
				return r, err
			}
		}
		if g.Progress != nil {
			g.Progress(i+1, n)
		}
	}
	truth.see(s.Length(), at.Flush(ctx, epoch.Add(s.Length())))
	r.CPU = cpu.Seconds() / r.Seconds
	g.score(&r, truth)
	return r, nil
}

// processTime is the CPU time that the process has used.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// crossingTruth holds tracks against the script.
type crossingTruth struct {
	scene    *scene.Scene
	owners   map[int64]map[int]int // walkers by track, -1 for nobody, with the number of frames
	last     map[int64]int         // whose it was, for sure
	other    map[int64]run         // whose it seems to be since
	switches int
	events   []gate.Event
	admitted map[int]int // walkers who were in front of the gate as somebody was admitted, by event; -1 for nobody
}

// run is how many seen frames a track has been somebody's.
type run struct{ who, frames int }

// sureFrames is how many of them make it sure: where two pass in front of each other, it is not clear for a moment whose
// face is meant.
const sureFrames = 4

func newCrossingTruth(s *scene.Scene) *crossingTruth {
	return &crossingTruth{scene: s, owners: map[int64]map[int]int{}, last: map[int64]int{}, other: map[int64]run{}, admitted: map[int]int{}}
}

func (c *crossingTruth) see(now time.Duration, o gate.Observation) {
	first := len(c.events)
	c.events = append(c.events, o.Events...)
	for _, t := range o.Tracks {
		if !t.Seen {
			continue // a prediction may be anywhere
		}
		who := c.nearest(now, t)
		for i, e := range o.Events {
			if e.Type == gate.Admitted && t.Decision == gate.Admitted && t.Person.ID == e.Person.ID {
				c.admitted[first+i] = who
			}
		}
		if c.owners[t.ID] == nil {
			c.owners[t.ID] = map[int]int{}
		}
		c.owners[t.ID][who]++
		was, known := c.last[t.ID]
		switch {
		case who < 0:
		case !known || was == who:
			c.last[t.ID] = who
			delete(c.other, t.ID)
		default:
			r := c.other[t.ID]
			if r.who != who {
				r = run{who: who}
			}
			if r.frames++; r.frames == sureFrames {
				c.switches++
				c.last[t.ID] = who
				r = run{}
			}
			c.other[t.ID] = r
		}
	}
}

// nearest is the walker whose face a track is on, -1 for nobody's.
func (c *crossingTruth) nearest(now time.Duration, t gate.TrackView) int {
	who, nearest := -1, 0.5*float64(t.Box.W)
	for i, w := range c.scene.Walkers {
		if spot, ok := w.Spot(now); ok {
			b := t.Box.Center()
			if d := math.Hypot(float64(b.X)-spot.X, float64(b.Y)-spot.Y); d < nearest {
				who, nearest = i, d
			}
		}
	}
	return who
}

// owner is the walker whose track it was for most of its life.
func (c *crossingTruth) owner(track int64) int {
	best, most := -1, 0
	for who, n := range c.owners[track] {
		if n > most || n == most && who > best {
			best, most = who, n
		}
	}
	return best
}

func (g Gate) score(r *GateReport, truth *crossingTruth) {
	r.Switches = truth.switches
	tracks := map[int]int{}
	for id := range truth.owners {
		if who := truth.owner(id); who >= 0 {
			tracks[who]++
		} else {
			r.False++
		}
	}
	for _, n := range tracks {
		r.Fragments += n - 1
	}
	type tally struct{ admitted, any int }
	seen := map[int]*tally{}
	kinds := map[[2]int]int{}
	for i, e := range truth.events {
		r.Events[e.Type.String()]++
		id, err := strconv.ParseInt(e.Passage[strings.LastIndexByte(e.Passage, '/')+1:], 10, 64)
		if err != nil {
			continue // no passage's event
		}
		who, there := truth.admitted[i]
		if !there {
			who = truth.owner(id)
		}
		if kinds[[2]int{who, int(e.Type)}]++; who >= 0 && kinds[[2]int{who, int(e.Type)}] > 1 {
			r.DoubleEvents++
		}
		if seen[who] == nil {
			seen[who] = &tally{}
		}
		seen[who].any++
		if e.Type == gate.Admitted {
			if who >= 0 && g.People[who].Known && g.People[who].Person == e.Person.ID {
				seen[who].admitted++
			} else {
				r.WrongAdmissions++
			}
		}
		if s := e.Similarity; s != nil {
			r.Threshold, r.FMR, r.MeasuredOn = float64(s.Threshold), s.FMR, s.MeasuredOn
		}
	}
	missed := 0
	for i, p := range g.People {
		t := seen[i]
		switch {
		case p.Known:
			r.Known++
			if t == nil || t.admitted == 0 {
				missed++
			}
		case t == nil:
			r.Unseen++
		}
	}
	r.Misses = wilson(missed, r.Known)
}

// WriteText prints the report for people.
func (r GateReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("video", "%s, %.0f s", r.Video, r.Seconds)
	t.row("people", "%d cross, %d of them known", r.Crossers, r.Known)
	t.row("wrong admissions", "%d", r.WrongAdmissions)
	t.row("known, not admitted", "%s", percent(r.Misses))
	t.row("strangers without event", "%d", r.Unseen)
	t.row("double events", "%d", r.DoubleEvents)
	t.row("identity switches", "%d; %d tracks beyond one a person, %d of nobody", r.Switches, r.Fragments, r.False)
	t.row("events", "%v", r.Events)
	t.row("a frame votes from", "%.3f, which strangers reach with %.1e (%s)", r.Threshold, r.FMR, r.MeasuredOn)
	t.row("CPU", "%.2f s a second of video", r.CPU)
	t.setting("", r.Setting)
	return t.Flush()
}
