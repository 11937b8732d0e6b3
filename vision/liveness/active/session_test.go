package active

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
)

func TestEveryDrawIsAChallengeThatPaperFails(t *testing.T) {
	seen, nonces := map[string]int{}, map[string]bool{}
	for range 5000 {
		steps, err := Draw(rand.Reader, All(), 3)
		require.NoError(t, err)
		var actions []Action
		for _, s := range steps {
			actions = append(actions, s.Action)
			require.Len(t, s.Nonce, 22)
			require.False(t, nonces[s.Nonce], "a nonce comes once")
			nonces[s.Nonce] = true
			require.GreaterOrEqual(t, s.Pause, shortestPause)
			require.Less(t, s.Pause, longestPause)
		}
		require.True(t, slices.ContainsFunc(actions, Action.turns), "%v", actions)
		require.True(t, slices.ContainsFunc(actions, Action.deforms), "%v", actions)
		seen[list(actions)]++
	}
	// 12 of the 20 sets of three hold both kinds, in 6 orders each.
	require.Len(t, seen, 72)
	for actions, n := range seen {
		require.Greater(t, n, 30, "%s is drawn far less often than 1 in 72", actions)
	}
}

func TestDrawsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		from []Action
		n    int
		easy bool
	}{
		"one action":     {All(), 1, false},
		"four actions":   {All(), 4, false},
		"nothing":        {nil, 2, true},
		"no turn":        {[]Action{OpenMouth, Blink, Nod, ComeCloser}, 3, true},
		"no deformation": {[]Action{TurnLeft, TurnRight, Nod, ComeCloser}, 3, true},
		"one, twice":     {[]Action{TurnLeft, TurnLeft, OpenMouth}, 3, true},
	} {
		_, err := Draw(rand.Reader, c.from, c.n)
		require.Error(t, err, name)
		require.Equal(t, c.easy, errors.Is(err, ErrTooEasy), name)
	}
	_, err := Draw(bytes.NewReader(nil), All(), 3)
	require.Error(t, err, "no randomness, no challenge")
	_, err = Draw(zeros{}, []Action{TurnLeft, TurnRight, Nod, ComeCloser, Blink}, 3)
	require.NoError(t, err)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Whatever a link does to an honest client's frames, as long as their order is kept, time does not tell against them.
func TestNoLinkLooksLikeABurst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Millisecond
		}
		steps := []Step{{Action: TurnLeft, Nonce: "one"}, {Action: OpenMouth, Nonce: "two"}}
		k := newClock(2)
		begun := ms("camera before the session", 1000) // capture times count from the camera's start
		arrives, nonce, sent := time.Duration(0), "", -1
		now := time.Duration(0)
		for i := range rapid.IntRange(1, 60).Draw(t, "frames") {
			now += ms("spacing", 400) + time.Millisecond
			// The server sends the next challenge at any time; it reaches the client some time later.
			if sent < 1 && rapid.IntRange(0, 9).Draw(t, "challenge") == 0 {
				sent++
				k.sent[sent] = now
				now += ms("way to the client", 2000)
				nonce = steps[sent].Nonce
			}
			arrives = max(arrives, now+ms("delay", 3000))
			r := k.arrive(Frame{Capture: begun + now, Received: arrives, Nonce: nonce}, steps, max(sent, 0), map[bool]state{true: asked, false: settling}[sent >= 0])
			require.Empty(t, r, "frame %d", i)
		}
	})
}

// thresholds of these tests.
var told = Thresholds{Turn: 15, Relief: 0.04, Nod: 8, Mouth: 0.12, Eyes: 0.6, Closer: 1.25}

func neutral() Measurement {
	return Measurement{EyeOpening: 0.28, LipGap: 0.02, Aspect: 0.75, Size: 0.4, X: 1.2, Y: 1.1, Template: face.Template{1, 0}}
}

// doing is a face that does an action so far: 1 is its threshold.
func doing(a Action, amount float64) Measurement {
	m := neutral()
	switch a {
	case Blink:
		m.EyeOpening *= 1 - 0.4*amount
	case OpenMouth:
		m.LipGap += 0.12 * amount
	case TurnLeft:
		m.Yaw, m.Relief = 15*amount, 0.04*amount
		m.Aspect /= math.Cos(1.3 * m.Yaw * math.Pi / 180)
	case TurnRight:
		m.Yaw, m.Relief = -15*amount, -0.04*amount
		m.Aspect /= math.Cos(1.3 * m.Yaw * math.Pi / 180)
	case Nod:
		m.Pitch = -8 * amount
	case ComeCloser:
		m.Size *= 1 + 0.25*amount
	}
	return m
}

// driver feeds a session frame by frame, ten a second, without a link.
type driver struct {
	s     *Session
	at    time.Duration
	nonce string
	shown []Challenge
	heard int // of the challenges
	kept  int
}

func drive(actions ...Action) *driver {
	var steps []Step
	for i, a := range actions {
		steps = append(steps, Step{a, fmt.Sprint("nonce-", i), 300 * time.Millisecond})
	}
	return &driver{s: NewSession(Config{Steps: steps, Thresholds: told, Same: 0.5, SameMoving: 0.3, History: &History{}})}
}

func (d *driver) frame(m Measurement) Reply {
	d.at += 100 * time.Millisecond
	var digest Digest
	binary.LittleEndian.PutUint64(digest[:], uint64(d.at))
	if !d.s.Admit(Frame{Capture: d.at, Received: d.at, Nonce: d.nonce, Digest: digest}) {
		return Reply{}
	}
	if !d.s.WantsTemplate(m) {
		m.Template = nil
	}
	r := d.s.Observe(m)
	if r.Challenge != nil {
		d.shown = append(d.shown, *r.Challenge)
		d.nonce = r.Challenge.Nonce
	}
	if r.Keep {
		d.kept++
	}
	return r
}

func (d *driver) frames(n int, m Measurement) {
	for range n {
		d.frame(m)
	}
}

// ask rests until the next challenge.
func (d *driver) ask(t *testing.T) Action {
	t.Helper()
	if !d.await() {
		require.FailNow(t, "nothing is asked for", "%+v", d.s.Outcome())
	}
	return d.shown[d.heard-1].Action
}

// await rests until the next challenge, and tells whether there was one.
func (d *driver) await() bool {
	for range 40 {
		if len(d.shown) > d.heard {
			d.heard++
			return true
		}
		d.frame(neutral())
	}
	return false
}

func (d *driver) do(a Action, amount float64) {
	d.frames(3, neutral())
	d.frames(2, doing(a, amount/2))
	d.frames(4, doing(a, amount))
	d.frames(2, doing(a, amount/2))
}

func TestEveryChallengeCanBeMet(t *testing.T) {
	for _, n := range []int{LeastActions, MostActions} {
		each(All(), n, func(actions []Action) {
			if !suffices(actions) {
				return
			}
			d := drive(actions...)
			for i, want := range actions {
				got := d.ask(t)
				require.Equal(t, want, got)
				require.Equal(t, i+1, d.shown[i].Number)
				d.do(got, 1.3)
			}
			d.frames(5, neutral())
			o := d.s.Outcome()
			require.Equal(t, liveness.Live, o.Verdict, "%v: %+v", actions, o)
			require.Equal(t, n+1, d.kept, "the resting faces between the actions are kept")
			for i, step := range o.Steps {
				require.True(t, step.Passed)
				require.InDelta(t, 0.65, step.Score, 0.01)
				require.Greater(t, step.At, time.Duration(i)*time.Second)
			}
			require.Less(t, o.Duration, TotalLimit)
		})
	}
}

// Of all orders of all actions only the one that is asked for passes.
func TestNoOtherOrderPasses(t *testing.T) {
	asked := []Action{TurnLeft, OpenMouth, Nod}
	each(All(), 3, func(done []Action) {
		d := drive(asked...)
		for _, a := range done {
			if !d.await() {
				break
			}
			d.do(a, 1.6)
			d.frames(20, neutral())
		}
		d.frames(100, neutral())
		o := d.s.Outcome()
		require.Equal(t, slices.Equal(done, asked), o.Verdict == liveness.Live, "%v: %+v", done, o)
	})
}

// each calls f with every selection of n of the actions in every order.
func each(from []Action, n int, f func([]Action)) {
	if n == 0 {
		f(nil)
		return
	}
	for i, a := range from {
		rest := append(slices.Clone(from[:i]), from[i+1:]...)
		each(rest, n-1, func(more []Action) { f(append([]Action{a}, more...)) })
	}
}

func TestHalfAnActionIsNotEnough(t *testing.T) {
	for _, a := range All() {
		other := OpenMouth
		if a == OpenMouth {
			other = TurnLeft
		}
		d := drive(a, other)
		d.ask(t)
		var said []string
		d.frames(3, neutral())
		for range 80 {
			if r := d.frame(doing(a, 0.8)); r.Guidance != "" {
				said = append(said, r.Guidance)
			}
		}
		o := d.s.Outcome()
		assert.Equal(t, TooLate, o.Reason, "%s: %+v", a, o)
		assert.NotEmpty(t, said, "a person is told to do more: %s", a)
	}
}

// A face that only shows what the first one's template would not be is another person's, however well it acts.
func TestAnotherFaceNeverPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drive(TurnLeft, OpenMouth)
		from := rapid.IntRange(12, 40).Draw(t, "from frame")
		n := 0
		stranger := func(m Measurement) Measurement {
			if n++; n >= from {
				m.Template = face.Template{0, 1}
			}
			return m
		}
		for !d.s.Done() && d.at < 30*time.Second {
			m := neutral()
			if len(d.shown) > 0 && d.at%(3*time.Second) > time.Second {
				m = doing(d.shown[len(d.shown)-1].Action, 1.3)
			}
			d.frame(stranger(m))
		}
		if o := d.s.Outcome(); n >= from+8 && o.Verdict == liveness.Live {
			t.Fatalf("%+v", o)
		}
	})
}

func TestFramesOfAnotherSessionAreKnown(t *testing.T) {
	var h History
	a, b := h.session(), h.session()
	d := Digest{1, 2, 3}
	require.False(t, h.seen(d, a))
	require.False(t, h.seen(d, a), "a session's own frame is its own affair")
	require.True(t, h.seen(d, b))
	for i := range 2*historySize + 10 {
		var other Digest
		binary.LittleEndian.PutUint32(other[:], uint32(i)+1000)
		h.seen(other, a)
	}
	require.False(t, h.seen(d, b), "what is old is forgotten")
	require.LessOrEqual(t, len(h.young)+len(h.old), 2*historySize)
}

func TestWhatALandmarkModelTells(t *testing.T) {
	catalog, err := models.Builtin()
	require.NoError(t, err)
	for _, e := range catalog.Task(models.TaskFaceLandmarks) {
		actions, thresholds, err := Tells(e)
		require.NoError(t, err, e.ID)
		require.Equal(t, suffices(actions), e.ID == "face-landmarks-pfld-98", "%s tells %v", e.ID, actions)
		for _, a := range actions {
			m := neutral()
			r := rest{m, thresholds}
			require.Zero(t, r.compare(m)[a])
		}
	}
	for name, e := range map[string]models.Entry{
		"unknown action": {Parameters: models.Parameters{"actions": []any{"wink"}}},
		"no threshold":   {Parameters: models.Parameters{"actions": []any{"nod"}}},
		"out of range":   {Parameters: models.Parameters{"actions": []any{"nod"}}, Thresholds: []models.Threshold{{Name: "active_nod", Value: 90}}},
	} {
		_, _, err := Tells(e)
		require.Error(t, err, name)
	}
}

func TestMeshesThatTellNothing(t *testing.T) {
	require.Equal(t, NoFace, Measure(face.Detection{}, face.Mesh{}, 10, 10).Problem)
	require.Equal(t, NoFace, Measure(face.Detection{Box: face.Box{W: 10, H: 10}}, face.Mesh{Points: make([]face.Point, 98)}, 10, 10).Problem)
	points := make([]face.Point, 98)
	for i := range points {
		points[i] = face.Point{X: float32(i), Y: float32(i * i % 17)}
	}
	points[95].X = float32(math.NaN())
	require.Equal(t, NoFace, Measure(face.Detection{Box: face.Box{W: 10, H: 10}}, face.Mesh{Points: points}, 10, 10).Problem)
}

// FuzzSession plays any frames, from outside and from the models alike: 8 bytes each. Whatever comes, a session ends live
// only when everything that was asked for was done.
func FuzzSession(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{50, 50, 0, 0, 0, 0, 0, 0}, 60))
	f.Add(bytes.Repeat([]byte{50, 50, 1, 90, 10, 0, 0, 1, 50, 50, 1, 0, 0, 80, 0, 2}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := drive(TurnLeft, OpenMouth)
		var capture, received time.Duration
		challenges := 0
		for ; len(b) >= 8 && !d.s.Done(); b = b[8:] {
			capture += time.Duration(int8(b[0])) * 4 * time.Millisecond
			received += time.Duration(b[1]) * 4 * time.Millisecond
			nonce := []string{"", "nonce-0", "nonce-1", "other", d.nonce}[b[2]%5]
			m := neutral()
			m.Yaw, m.Relief = float64(int8(b[3])), 0.001*float64(int8(b[4]))
			m.LipGap, m.Size = 0.01*float64(b[5]), 0.4+0.01*float64(int8(b[6]))
			if b[7]&0x80 != 0 {
				m = Measurement{Problem: SeveralFaces}
			}
			if !d.s.Admit(Frame{Capture: capture, Received: received, Nonce: nonce, Digest: Digest{b[7] & 0x7f, b[0], byte(len(b)), byte(len(b) >> 8)}}) {
				continue
			}
			d.s.WantsTemplate(m)
			if r := d.s.Observe(m); r.Challenge != nil {
				challenges++
				d.nonce = r.Challenge.Nonce
			}
		}
		d.s.Tick(received)
		o := d.s.Outcome()
		passed := 0
		for _, step := range o.Steps {
			if step.Passed {
				passed++
			}
		}
		if (o.Verdict == liveness.Live) != (passed == 2 && challenges == 2) || o.Verdict != o.Reason.Verdict() {
			t.Fatalf("%d challenges, %+v", challenges, o)
		}
	})
}
