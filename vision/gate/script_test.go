package gate_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/liveness"
)

// walk is one person on a straight way through the camera's view.
type walk struct {
	person     int // the face; a walk of -1 is a thing that the detector takes for a face
	from, to   face.Box
	begin, end float64 // seconds
	stops      []stop
	attack     bool // liveness says attack
	doubtful   bool // liveness can't tell
	unusable   bool // never a face that can be compared
}

// stop keeps somebody where they are.
type stop struct{ at, length float64 }

// box is where the face is at a time, and whether it is there.
func (w walk) box(at float64) (face.Box, bool) {
	if at < w.begin || at > w.end {
		return face.Box{}, false
	}
	moving, total := at-w.begin, w.end-w.begin
	for _, s := range w.stops {
		total -= s.length
		moving -= min(max(at-s.at, 0), s.length)
	}
	k := float32(moving / total)
	mix := func(a, b float32) float32 { return a + (b-a)*k }
	return face.Box{X: mix(w.from.X, w.to.X), Y: mix(w.from.Y, w.to.Y), W: mix(w.from.W, w.to.W), H: mix(w.from.H, w.to.H)}, true
}

// scene plays walks as a recogniser does: nearer faces hide farther ones, boxes shake, some frames are missed, and
// resemblance has noise. It counts what a gate made of it.
type scene struct {
	walks    []walk
	enrolled map[int]gate.PersonRef
	missed   float64 // share of the looks in which a face is not found
	noise    float64 // of templates; a shot has a cosine of 1/sqrt(1+noise²) with its person
	random   *rand.Rand
	faces    map[int]face.Template
	at       float64
	last     map[face.Detection]walk
	looks    int
	detects  int
	fails    error
}

const dimensions = 128

// threshold is what strangers of the scene reach about once in 10^5: cosines of random directions have a deviation of
// 1/sqrt(128).
const threshold = 4.3 / 11.3

func newScene(seed uint64, walks ...walk) *scene {
	return &scene{walks: walks, enrolled: map[int]gate.PersonRef{}, missed: 0.1, noise: 0.8, random: rand.New(rand.NewPCG(seed, 1)), faces: map[int]face.Template{}}
}

func (s *scene) enrol(id string, person int, labels map[string]string) {
	s.enrolled[person] = gate.PersonRef{Gallery: "staff", ID: id, Labels: labels}
}

func (s *scene) template(person int) face.Template {
	if t, ok := s.faces[person]; ok {
		return t
	}
	r := rand.New(rand.NewPCG(uint64(person), 99))
	t := make(face.Template, dimensions)
	for i := range t {
		t[i] = float32(r.NormFloat64())
	}
	s.faces[person] = unit(t)
	return s.faces[person]
}

func unit(t face.Template) face.Template {
	n := 0.0
	for _, v := range t {
		n += float64(v) * float64(v)
	}
	for i := range t {
		t[i] /= float32(math.Sqrt(n))
	}
	return t
}

func (s *scene) Detect(context.Context, *imaging.Raster) ([]face.Detection, error) {
	s.detects++
	s.last = map[face.Detection]walk{}
	type there struct {
		walk
		face.Box
	}
	var all []there
	for _, w := range s.walks {
		if b, ok := w.box(s.at); ok {
			all = append(all, there{w, b})
		}
	}
	slices.SortStableFunc(all, func(a, b there) int { return int(b.W - a.W) })
	var found []face.Detection
	for i, t := range all {
		hidden := slices.ContainsFunc(all[:i], func(o there) bool { return covers(o.Box, t.Box) > 0.35 })
		if hidden || s.random.Float64() < s.missed {
			continue
		}
		shake := func(v float32) float32 { return v + float32(s.random.NormFloat64())*0.04*t.W }
		d := face.Detection{Box: face.Box{X: shake(t.X), Y: shake(t.Y), W: t.W * (1 + 0.03*float32(s.random.NormFloat64())), H: t.H}, Score: 0.9}
		if s.random.Float64() < 0.1 {
			d.Score = 0.6
		}
		for k := range d.Landmarks {
			d.Landmarks[k] = face.Point{X: d.Box.X + float32(k), Y: d.Box.Y}
		}
		s.last[d] = t.walk
		found = append(found, d)
	}
	return found, s.fails
}

// covers is the share of b that lies under a.
func covers(a, b face.Box) float32 {
	w, h := min(a.X+a.W, b.X+b.W)-max(a.X, b.X), min(a.Y+a.H, b.Y+b.H)-max(a.Y, b.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / b.Area()
}

func (s *scene) Look(_ context.Context, _ *imaging.Raster, faces []face.Detection, i int, galleries []string) (gate.Look, error) {
	s.looks++
	w := s.last[faces[i]]
	if s.fails != nil {
		return gate.Look{}, s.fails
	}
	if w.unusable {
		return gate.Look{}, nil
	}
	t := slices.Clone(s.template(w.person))
	for k := range t {
		t[k] += float32(s.random.NormFloat64() * s.noise / math.Sqrt(dimensions))
	}
	l := gate.Look{Weight: float64(min(faces[i].Box.W/200, 1)), Template: unit(t), Rule: gate.Rule{
		Threshold: threshold, FMR: 1e-5, Same: 0.4, Other: 0.2,
		Rate: func(float64) calibration.Rate { return calibration.Rate{Rate: 1e-5, Upper: 2e-5} }, MeasuredOn: "the script",
	}}
	for person, ref := range s.enrolled {
		if slices.Contains(galleries, ref.Gallery) {
			l.Candidates = append(l.Candidates, gate.Candidate{Person: ref, Cosine: face.Similarity(t, s.template(person))})
		}
	}
	slices.SortFunc(l.Candidates, func(a, b gate.Candidate) int {
		if a.Cosine > b.Cosine {
			return -1
		}
		return 1
	})
	l.Candidates = l.Candidates[:min(len(l.Candidates), 5)]
	return l, nil
}

func (s *scene) Live(_ context.Context, frames []liveness.Frame) (liveness.Result, error) {
	// A kept shot's face lies elsewhere in its cut than in the frame: the walk is known by the box's size.
	r := liveness.Result{Verdict: liveness.Live, Score: 0.9, Threshold: 0.5, Frames: len(frames)}
	for d, w := range s.last {
		if d.Box.W == frames[0].Face.Box.W || len(s.walks) == 1 {
			if w.attack {
				r.Verdict, r.Score = liveness.Attack, 0.1
			}
			if w.doubtful {
				r.Verdict = liveness.Undecided
			}
		}
	}
	return r, nil
}

func (s *scene) Models() []gate.Model { return []gate.Model{{ID: "script"}} }

// film is what a gate made of a scene.
type film struct {
	events  []gate.Event
	endings []gate.Ending
	tracks  map[int64]bool // confirmed ones
	errs    []error
}

var epoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) // a Monday

const (
	width, height = 1280, 720
	door          = "door"
)

var canvas = imaging.NewRaster(width, height)

// play runs a gate over the scene's seconds at a frame rate.
func (s *scene) play(t *testing.T, policy string, seconds, fps float64, change ...func(*gate.Config)) film {
	t.Helper()
	p, err := gate.ParsePolicy([]byte(policy))
	require.NoError(t, err)
	cfg := gate.Config{Camera: door, Recogniser: s, Policy: func() *gate.Policy { return p }}
	for _, c := range change {
		c(&cfg)
	}
	g := gate.New(cfg)
	f := film{tracks: map[int64]bool{}}
	collect := func(o gate.Observation, err error) {
		f.events, f.endings = append(f.events, o.Events...), append(f.endings, o.Endings...)
		for _, v := range o.Tracks {
			f.tracks[v.ID] = true
		}
		if err != nil {
			f.errs = append(f.errs, err)
		}
	}
	for i := range int(seconds * fps) {
		s.at = float64(i) / fps
		collect(g.Observe(t.Context(), gate.Frame{Image: canvas, Time: epoch.Add(time.Duration(s.at * float64(time.Second)))}))
	}
	collect(g.Flush(t.Context(), epoch.Add(time.Duration(seconds*float64(time.Second)))), nil)
	return f
}

// of counts the events of a type.
func (f film) of(kind gate.Type) (out []gate.Event) {
	for _, e := range f.events {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

func (f film) kinds() (out []string) {
	for _, e := range f.events {
		out = append(out, e.Type.String())
	}
	return out
}

// failing is a scene whose faces are found, and can't be looked at.
type failing struct{ *scene }

func (failing) Look(context.Context, *imaging.Raster, []face.Detection, int, []string) (gate.Look, error) {
	return gate.Look{}, errDown
}
