package gate_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gate"
)

const openToStaff = `
time_zone: UTC
zones:
  hall:
    entry: [door]
    galleries: [staff]
    rules:
      - {name: staff, admit: true, galleries: [staff]}
`

func box(x, y, w float32) face.Box { return face.Box{X: x, Y: y, W: w, H: w * 1.25} }

// across is a walk from left to right.
func across(person int, begin, seconds float64, y, w float32) walk {
	return walk{person: person, from: box(0, y, w), to: box(width-w, y, w), begin: begin, end: begin + seconds}
}

// nearer is a walk towards the camera, from far away.
func nearer(person int, begin, seconds float64, x float32) walk {
	return walk{person: person, from: box(x, 200, 40), to: box(x-60, 240, 220), begin: begin, end: begin + seconds}
}

func TestAKnownPersonIsAdmittedOnce(t *testing.T) {
	s := newScene(1, nearer(7, 1, 6, 600))
	s.enrol("li-na", 7, nil)
	f := s.play(t, openToStaff, 12, 25)
	require.Equal(t, []string{"ADMITTED"}, f.kinds())
	e := f.events[0]
	assert.Equal(t, "galleries/staff/persons/li-na", e.Person.Name())
	assert.Equal(t, "staff", e.Rule)
	assert.Equal(t, "hall", e.Zone)
	assert.GreaterOrEqual(t, e.Frames, 3)
	assert.GreaterOrEqual(t, e.Confidence, gate.Quorum)
	assert.GreaterOrEqual(t, e.Similarity.Cosine, e.Similarity.Threshold)
	assert.NotNil(t, e.Crop)
	assert.NotNil(t, e.Liveness)
	assert.WithinDuration(t, epoch.Add(time.Second), e.Start, 2*time.Second)
	assert.False(t, e.Alarm)
	require.Len(t, f.endings, 1)
	assert.Equal(t, e.Passage, f.endings[0].Passage)
	assert.WithinDuration(t, epoch.Add(7*time.Second), f.endings[0].Last, 500*time.Millisecond)
	assert.LessOrEqual(t, s.detects, 12*25/3+1, "every third frame is looked at")
}

func TestSomebodyWhoStandsThereMakesOneEvent(t *testing.T) {
	for kind, enrolled := range map[gate.Type]bool{gate.Admitted: true, gate.Unknown: false} {
		w := nearer(7, 1, 300, 600)
		w.stops = []stop{{5, 290}}
		s := newScene(2, w)
		s.missed = 0.3
		if enrolled {
			s.enrol("li-na", 7, nil)
		}
		f := s.play(t, openToStaff, 305, 25)
		require.Equal(t, []string{kind.String()}, f.kinds())
		assert.Len(t, f.tracks, 1)
	}
}

func TestSomebodyWhoTurnsAwayAndBackIsTheSameVisit(t *testing.T) {
	for _, enrolled := range []bool{true, false} {
		first, second := nearer(7, 1, 6, 600), nearer(7, 15, 6, 300)
		later := nearer(7, 80, 6, 300)
		s := newScene(3, first, second, later)
		if enrolled {
			s.enrol("li-na", 7, nil)
		}
		f := s.play(t, openToStaff, 90, 25)
		require.Len(t, f.events, 2, "gone for nine seconds is the same visit, for a minute is not: %v", f.kinds())
		assert.NotEqual(t, f.events[0].Passage, f.events[1].Passage)
		require.Len(t, f.endings, 3)
		assert.Equal(t, f.endings[0].Passage, f.endings[1].Passage, "the visit lasts longer")
	}
}

func TestWhoIsNotLive(t *testing.T) {
	photo := nearer(7, 1, 6, 600)
	photo.attack = true
	s := newScene(4, photo)
	s.enrol("li-na", 7, nil)
	f := s.play(t, openToStaff, 10, 25)
	require.Equal(t, []string{"SPOOF"}, f.kinds())
	assert.Equal(t, "li-na", f.events[0].Person.ID, "whose picture it is")
	assert.True(t, f.events[0].Alarm)

	unclear := nearer(7, 1, 6, 600)
	unclear.doubtful = true
	s = newScene(4, unclear)
	s.enrol("li-na", 7, nil)
	f = s.play(t, openToStaff, 10, 25)
	require.Equal(t, []string{"REFUSED"}, f.kinds())
	assert.Equal(t, gate.ReasonLivenessUndecided, f.events[0].Reason)
}

func TestTailgating(t *testing.T) {
	for name, c := range map[string]struct {
		follower walk
		want     []string
	}{
		"close behind":        {nearer(8, 6.5, 6, 900), []string{"ADMITTED", "TAILGATING"}},
		"a minute later":      {nearer(8, 65, 6, 900), []string{"ADMITTED", "UNKNOWN"}},
		"in the background":   {walk{person: 8, from: box(900, 100, 50), to: box(950, 100, 52), begin: 6, end: 13}, []string{"ADMITTED", "UNKNOWN"}},
		"who was there first": {func() walk { w := nearer(8, -3, 20, 900); w.stops = []stop{{2, 10}}; return w }(), []string{"UNKNOWN", "ADMITTED", "TAILGATING"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(5, nearer(7, 6, 6, 400), c.follower)
			s.enrol("li-na", 7, nil)
			f := s.play(t, openToStaff, 75, 25)
			assert.Equal(t, c.want, f.kinds())
			for _, e := range f.of(gate.Tailgating) {
				assert.Empty(t, e.Person.ID)
				assert.True(t, e.Alarm)
				assert.NotNil(t, e.Crop)
			}
		})
	}
}

func TestRefusedUntilTheDoorOpens(t *testing.T) {
	policy := `
time_zone: UTC
zones:
  hall:
    entry: [door]
    galleries: [staff]
    rules:
      - {name: office-hours, admit: true, days: [mon-fri], hours: ["08:01-19:00"]}
`
	w := nearer(7, 1, 130, 600)
	w.stops = []stop{{5, 120}}
	s := newScene(6, w)
	s.enrol("li-na", 7, nil)
	f := s.play(t, policy, 132, 25)
	require.Equal(t, []string{"REFUSED", "ADMITTED"}, f.kinds(), "one event for each thing that became true")
	assert.Equal(t, gate.ReasonNoRule, f.events[0].Reason)
	assert.Equal(t, "office-hours", f.events[1].Rule)
	assert.Equal(t, f.events[0].Passage, f.events[1].Passage)
	assert.WithinDuration(t, epoch.Add(time.Minute), f.events[1].Time, 5*time.Second)
}

func TestCrossingPeopleKeepTheirIdentities(t *testing.T) {
	for seed := range uint64(20) {
		// The nearer one hides the other for about half a second.
		s := newScene(seed, across(1, 0, 6, 200, 160), walk{person: 2, from: box(1100, 210, 110), to: box(20, 210, 110), begin: 0, end: 6})
		s.enrol("a", 1, nil)
		s.enrol("b", 2, nil)
		f := s.play(t, openToStaff, 9, 25)
		require.Len(t, f.of(gate.Admitted), 2, "seed %d: %v", seed, f.kinds())
		require.Len(t, f.events, 2, "seed %d: %v", seed, f.kinds())
		assert.Len(t, f.tracks, 2, "seed %d", seed)
	}
}

func TestATrackThatGoesOverToSomebodyElseIsSplit(t *testing.T) {
	// The second person appears where the first one was, 0.3 s after.
	a, b := nearer(1, 0, 4, 600), nearer(2, 4.3, 4, 540)
	b.from, b.to = box(540, 240, 220), box(560, 245, 230)
	s := newScene(8, a, b)
	s.enrol("a", 1, nil)
	f := s.play(t, openToStaff, 12, 25, func(c *gate.Config) { c.RecheckEvery = 500 * time.Millisecond })
	require.Len(t, f.events, 2, "%v", f.kinds())
	assert.Equal(t, gate.Admitted, f.events[0].Type)
	assert.NotEqual(t, gate.Admitted, f.events[1].Type, "the stranger is not carried by the admission")
	assert.NotEqual(t, f.events[0].Passage, f.events[1].Passage)
}

// TestFiftyPeopleCross is the scripted crowd: half of them are enrolled. Nobody may be taken for somebody else.
func TestFiftyPeopleCross(t *testing.T) {
	total := struct{ wrong, missed, double, extra int }{}
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 5))
		s := newScene(seed)
		begin := 0.0
		for i := range 50 {
			w := across(i, begin, 5+2*random.Float64(), 100+300*float32(random.Float64()), 80+60*float32(random.Float64()))
			if random.IntN(2) == 0 {
				w.from, w.to = w.to, w.from
			}
			s.walks = append(s.walks, w)
			if i%2 == 0 {
				s.enrol(fmt.Sprint("p", i), i, nil)
			}
			begin += 1 + 2*random.Float64()
		}
		f := s.play(t, openToStaff+"    tailgating: false\n", begin+10, 25)
		admitted := map[string]int{}
		for _, e := range f.of(gate.Admitted) {
			admitted[e.Person.ID]++
		}
		for i := range 50 {
			n := admitted[fmt.Sprint("p", i)]
			if i%2 == 1 {
				total.wrong += n
				continue
			}
			total.double += max(n-1, 0)
			if n == 0 {
				total.missed++
			}
		}
		total.extra += len(f.of(gate.Unknown)) - 25
	}
	t.Logf("of 200 passages: %+v", total)
	assert.Zero(t, total.wrong)
	assert.Zero(t, total.double)
	assert.LessOrEqual(t, total.missed, 2)
	assert.LessOrEqual(t, total.extra, 4)
}

func TestSlowCameras(t *testing.T) {
	for fps, seconds := range map[float64]float64{0.2: 60, 1: 20, 5: 10, 60: 10} {
		w := nearer(7, 1, seconds-2, 600)
		w.stops = []stop{{2, seconds - 5}}
		w.from = box(560, 220, 150)
		s := newScene(9, w)
		s.enrol("li-na", 7, nil)
		s.missed = 0
		f := s.play(t, openToStaff, seconds, fps)
		assert.Equal(t, []string{"ADMITTED"}, f.kinds(), "%v frames a second", fps)
	}
	// At a frame in five seconds somebody who only passes by is seen too seldom for a decision, and never admitted by it.
	s := newScene(9, nearer(7, 4, 7, 600))
	s.enrol("li-na", 7, nil)
	s.missed = 0
	f := s.play(t, openToStaff, 60, 0.2)
	assert.Empty(t, f.of(gate.Admitted))
}

func TestAnotherResolutionEndsTheTracks(t *testing.T) {
	s := newScene(10, nearer(7, 0, 20, 600))
	s.enrol("li-na", 7, nil)
	p, err := gate.ParsePolicy([]byte(openToStaff))
	require.NoError(t, err)
	g := gate.New(gate.Config{Camera: door, Recogniser: s, Policy: func() *gate.Policy { return p }})
	var events []gate.Event
	for i := range 20 * 25 {
		s.at = float64(i) / 25
		image := canvas
		if i >= 250 {
			image = imaging.NewRaster(640, 360)
		}
		o, err := g.Observe(t.Context(), gate.Frame{Image: image, Time: epoch.Add(time.Duration(i) * 40 * time.Millisecond)})
		require.NoError(t, err)
		events = append(events, o.Events...)
	}
	require.Len(t, events, 1, "the same person, in a picture of another size")
}

func TestTimeThatStandsStillOrGoesBack(t *testing.T) {
	s := newScene(11, nearer(7, 0, 20, 600))
	p, err := gate.ParsePolicy([]byte(openToStaff))
	require.NoError(t, err)
	g := gate.New(gate.Config{Camera: door, Recogniser: s, Policy: func() *gate.Policy { return p }})
	for _, at := range []time.Duration{time.Second, time.Second, 0, time.Second} {
		_, err := g.Observe(t.Context(), gate.Frame{Image: canvas, Time: epoch.Add(at)})
		require.NoError(t, err)
	}
	assert.Equal(t, 1, s.detects)
}

func TestWhenModelsFailNobodyIsAdmittedAndNobodyIsForgotten(t *testing.T) {
	s := newScene(12, nearer(7, 0, 8, 600))
	s.enrol("li-na", 7, nil)
	s.walks[0].unusable = true
	f := s.play(t, openToStaff, 12, 25)
	require.Equal(t, []string{"UNKNOWN"}, f.kinds())
	assert.Equal(t, gate.ReasonNoUsableFrame, f.events[0].Reason)

	s = newScene(12, nearer(7, 0, 8, 600))
	s.enrol("li-na", 7, nil)
	f = s.play(t, openToStaff, 12, 25, func(c *gate.Config) { c.Recogniser = failing{s} })
	require.Equal(t, []string{"UNKNOWN"}, f.kinds())
	assert.Equal(t, gate.ReasonIdentification, f.events[0].Reason)
	assert.NotEmpty(t, f.errs)
}

func TestACameraWithoutAZoneMakesNoEvents(t *testing.T) {
	s := newScene(13, nearer(7, 0, 8, 600))
	f := s.play(t, openToStaff, 12, 25, func(c *gate.Config) { c.Camera = "another" })
	assert.Empty(t, f.events)
	assert.Zero(t, s.looks)
}

var errDown = errors.New("the galleries are away")
