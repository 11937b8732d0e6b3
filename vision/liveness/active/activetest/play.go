package activetest

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/courtsense/courtsense/vision/liveness/active"
)

// Scene is what is before the camera when a frame is taken.
type Scene struct {
	Person string // "A", "B"; empty: nobody
	Sheet  *Sheet // not nil: it is a photograph of the person
	Look   Look
	Again  int // the frame was encoded so many times
}

// Shot is a frame as the client sends it.
type Shot struct {
	Digest active.Digest
	JPEG   []byte // empty on a stage of numbers
	Scene  Scene
}

// Stage takes the frames of a play and measures them.
type Stage interface {
	// Shoot takes a frame. Two shots of one scene are two frames.
	Shoot(Scene) (Shot, error)
	// Measure measures a frame as a server would; the template is added where wants says so.
	Measure(s Shot, wants func(active.Measurement) bool) (active.Measurement, error)
}

// Played is what came of a script.
type Played struct {
	Outcome active.Outcome
	Said    []string // guidance, in order
	Kept    []Shot   // the session's best frames
	Shots   int      // frames that were sent
}

// message is a frame on its way to the server.
type message struct {
	arrives time.Duration
	frame   active.Frame
	shot    Shot
}

// reply is a challenge on its way to the client.
type reply struct {
	arrives time.Duration
	what    active.Challenge
}

// play is a script being played: a client with a camera, a server with a session, and a link between them, on one clock
// that nobody waits for.
type play struct {
	script  *Script
	stage   Stage
	random  *rand.Rand
	config  active.Config
	session *active.Session
	out     Played
	err     error

	at         time.Duration // of the clock
	skew       time.Duration // of the capture times
	scene      Scene
	sway       [3]float64
	onTheWay   []message
	replies    []reply
	nonce      string
	challenges []active.Challenge // that have reached the client
	answered   int
	sent       []message
	recording  []message
	reencode   bool
}

// Settings of a play.
type Settings struct {
	Seed       uint64
	Thresholds active.Thresholds
	Same       float32 // least cosine of a resting face
	SameMoving float32
}

// Play plays a script on a stage. The session's limits are the real ones; its challenge is the script's.
func (s *Script) Play(stage Stage, o Settings) (Played, error) {
	p := newPlay(s, stage, o, s.Challenge, &active.History{})
	for _, l := range s.lines {
		if l.do(p); p.err != nil {
			return p.out, fmt.Errorf("%s:%d: %s: %w", s.Name, l.number, l.text, p.err)
		}
		if p.session.Done() {
			break
		}
	}
	if !p.session.Done() {
		// Nobody does anything any more; the frames go on until the server has enough.
		p.hold(active.TotalLimit + 5*time.Second)
	}
	for range 40 {
		p.session.Tick(p.at)
		p.at += time.Second
	}
	p.out.Outcome = p.session.Outcome()
	return p.out, p.err
}

func newPlay(s *Script, stage Stage, o Settings, challenge []active.Action, history *active.History) *play {
	p := &play{
		script: s, stage: stage, random: rand.New(rand.NewPCG(o.Seed, 7)), scene: Scene{Person: "A"},
		config: active.Config{Thresholds: o.Thresholds, Same: o.Same, SameMoving: o.SameMoving, History: history},
	}
	for _, a := range challenge {
		pause := time.Duration(200+p.random.IntN(700)) * time.Millisecond
		if s.Pause > 0 {
			pause = s.Pause
		}
		var nonce [16]byte
		for k := range nonce {
			nonce[k] = byte(p.random.Uint32())
		}
		p.config.Steps = append(p.config.Steps, active.Step{Action: a, Nonce: base64.RawURLEncoding.EncodeToString(nonce[:]), Pause: pause})
	}
	p.session = active.NewSession(p.config)
	return p
}

func (p *play) who(person string, sheet *Sheet) { p.scene = Scene{Person: person, Sheet: sheet} }

func (p *play) interval() time.Duration { return time.Duration(float64(time.Second) / p.script.FPS) }

// tick moves the clock by a frame and delivers what has arrived.
func (p *play) tick(by time.Duration) {
	p.at += by
	for len(p.onTheWay) > 0 && p.onTheWay[0].arrives <= p.at && p.err == nil {
		m := p.onTheWay[0]
		p.onTheWay = p.onTheWay[1:]
		p.serve(m)
	}
	p.session.Tick(p.at)
	for len(p.replies) > 0 && p.replies[0].arrives <= p.at {
		p.challenges = append(p.challenges, p.replies[0].what)
		p.nonce = p.replies[0].what.Nonce
		p.replies = p.replies[1:]
	}
}

// serve is the server's side.
func (p *play) serve(m message) {
	f := m.frame
	f.Received = m.arrives
	if !p.session.Admit(f) {
		return
	}
	measured, err := p.stage.Measure(m.shot, p.session.WantsTemplate)
	if err != nil {
		p.err = err
		return
	}
	r := p.session.Observe(measured)
	if r.Guidance != "" {
		p.out.Said = append(p.out.Said, r.Guidance)
	}
	if r.Keep {
		p.out.Kept = append(p.out.Kept, m.shot)
	}
	if r.Challenge != nil {
		p.replies = append(p.replies, reply{m.arrives + p.delay(), *r.Challenge})
	}
}

func (p *play) delay() time.Duration {
	return p.script.Late + time.Duration(p.random.Int64N(int64(p.script.Jitter)+1))
}

// send puts a frame on its way. Frames keep their order, as in one TCP connection.
func (p *play) send(s Shot, nonce string, arrives time.Duration) {
	if n := len(p.onTheWay); n > 0 {
		arrives = max(arrives, p.onTheWay[n-1].arrives)
	}
	m := message{arrives, active.Frame{Capture: p.at + p.skew, Nonce: nonce, Digest: s.Digest}, s}
	p.onTheWay = append(p.onTheWay, m)
	p.sent = append(p.sent, m)
	p.out.Shots++
}

// swayed is a look as a living hand and neck hold it: never quite still.
func (p *play) swayed(l Look) Look {
	for i := range p.sway {
		p.sway[i] = 0.85*p.sway[i] + 0.35*p.random.NormFloat64()
	}
	l.Yaw, l.Pitch, l.Roll = l.Yaw+p.sway[0], l.Pitch+p.sway[1], l.Roll+p.sway[2]
	l.X, l.Y = l.X+0.02*p.sway[1], l.Y+0.02*p.sway[0]
	return l
}

// frame takes and sends one frame of a look.
func (p *play) frame(l Look) {
	if p.err != nil || p.session.Done() {
		return
	}
	p.tick(p.interval())
	scene := p.scene
	if scene.Look = l; scene.Sheet == nil {
		scene.Look = p.swayed(l)
	}
	shot, err := p.stage.Shoot(scene)
	if err != nil {
		p.err = err
		return
	}
	p.send(shot, p.nonce, p.at+p.delay())
}

// film takes frames of a look that changes with its share of the time, 0 to 1.
func (p *play) film(d time.Duration, look func(t float64) Look) {
	for n, i := max(int(d/p.interval()), 1), 0; i < n; i++ {
		p.frame(look(float64(i+1) / float64(n)))
	}
}

func (p *play) hold(d time.Duration) { p.film(d, func(float64) Look { return p.scene.Look }) }

// await goes on with what is before the camera until the next challenge has come.
func (p *play) await() (active.Action, bool) {
	for p.err == nil && !p.session.Done() {
		if len(p.challenges) > p.answered {
			p.answered++
			return p.challenges[p.answered-1].Action, true
		}
		p.frame(p.scene.Look)
	}
	return 0, false
}

// answer is a look that does an action in full.
func answer(a active.Action) Look {
	switch a {
	case active.Blink:
		return Look{Eyes: 1}
	case active.OpenMouth:
		return Look{Mouth: 0.7}
	case active.TurnLeft:
		return Look{Yaw: 34}
	case active.TurnRight:
		return Look{Yaw: -34}
	case active.Nod:
		return Look{Pitch: -20}
	case active.ComeCloser:
		return Look{Near: 1.45}
	}
	return Look{}
}

// part is a look a share of the way to another.
func part(l Look, t float64) Look {
	near := 1.0
	if l.Near != 0 {
		near = 1 + t*(l.Near-1)
	}
	return Look{Yaw: t * l.Yaw, Pitch: t * l.Pitch, Roll: t * l.Roll, Near: near, X: t * l.X, Y: t * l.Y, Mouth: t * l.Mouth, Eyes: t * l.Eyes}
}

// act does an action and goes back: half a second there, as long there, half a second back.
func (p *play) act(a active.Action) { p.perform(answer(a)) }

func (p *play) perform(l Look) {
	p.film(600*time.Millisecond, func(t float64) Look { return part(l, smooth(t)) })
	p.film(500*time.Millisecond, func(float64) Look { return l })
	p.film(600*time.Millisecond, func(t float64) Look { return part(l, 1-smooth(t)) })
}

// handle does with paper what comes nearest to the action that is asked for next, bending it by so much.
func (p *play) handle(bend float64) {
	a, ok := p.await()
	if !ok {
		return
	}
	p.hold(400 * time.Millisecond)
	look := map[active.Action]Look{
		active.TurnLeft: {Yaw: 38}, active.TurnRight: {Yaw: -38}, active.Nod: {Pitch: -32}, active.ComeCloser: {Near: 1.5},
		active.OpenMouth: {Pitch: 20, Y: 0.2}, active.Blink: {Pitch: -15, X: 0.2},
	}[a]
	flat := p.scene.Sheet
	for _, t := range []func(float64) float64{smooth, func(float64) float64 { return 1 }, func(t float64) float64 { return 1 - smooth(t) }} {
		p.film(600*time.Millisecond, func(at float64) Look {
			w := t(at)
			p.scene.Sheet = &Sheet{Bend: bend * w, Axis: 0.4, Arch: 0.75 * bend * w}
			return part(look, w)
		})
	}
	p.scene.Sheet = flat
}

// record films a session of its own, with its own challenge, to the end.
func (p *play) record(person string, challenge []active.Action) {
	c := p.config
	earlier := newPlay(p.script, p.stage, Settings{Seed: 99, Thresholds: c.Thresholds, Same: c.Same, SameMoving: c.SameMoving}, challenge, c.History)
	earlier.who(person, nil)
	earlier.hold(time.Second)
	for range challenge {
		if a, ok := earlier.await(); ok {
			earlier.hold(400 * time.Millisecond)
			earlier.act(a)
		}
	}
	earlier.hold(time.Second)
	if earlier.session.Outcome().Reason != "" && earlier.err == nil {
		earlier.err = fmt.Errorf("the earlier session did not pass: %s", earlier.session.Outcome().Reason)
	}
	p.recording, p.err = earlier.sent, earlier.err
}

// playRecording sends the recording at its own pace, through a client that puts the present nonce on every frame or leaves
// the recorded one there.
func (p *play) playRecording(ownNonces bool, from int) {
	for _, m := range p.recording[from:] {
		if p.err != nil || p.session.Done() {
			return
		}
		p.tick(p.interval())
		nonce, shot := p.nonce, m.shot
		if ownNonces {
			nonce = m.frame.Nonce
		}
		if p.reencode {
			if shot.Scene.Again++; p.shoot(&shot) != nil {
				return
			}
		}
		p.send(shot, nonce, p.at+p.delay())
	}
}

func (p *play) shoot(s *Shot) error {
	shot, err := p.stage.Shoot(s.Scene)
	p.err, *s = err, shot
	return err
}

// mix sends a frame of the scene and one of the recording by turns, the recording's encoded again.
func (p *play) mix(d time.Duration) {
	// The recording is taken where it moves.
	at := slices.IndexFunc(p.recording, func(m message) bool { return math.Abs(m.shot.Scene.Look.Yaw) > 25 })
	for n, i := int(d/p.interval()), 0; i < n && p.err == nil && !p.session.Done(); i++ {
		if i%2 == 0 {
			p.frame(Look{})
			continue
		}
		p.tick(p.interval())
		shot := p.recording[min(max(at, 0)+i%4, len(p.recording)-1)].shot
		shot.Scene.Again++
		if p.shoot(&shot) == nil {
			p.send(shot, p.nonce, p.at+p.delay())
		}
	}
}

// repeat sends the last frames once more, as if they were new.
func (p *play) repeat(d time.Duration) {
	n := min(int(d/p.interval()), len(p.sent))
	for _, m := range slices.Clone(p.sent[len(p.sent)-n:]) {
		p.tick(p.interval())
		p.send(m.shot, p.nonce, p.at+p.delay())
	}
}

// burst sends a whole answer, with capture times as of a camera, within one frame's time.
func (p *play) burst(a active.Action) {
	p.hold(time.Duration(0))
	began := p.at
	l := answer(a)
	var shots []Shot
	for i := range 30 {
		t := math.Sin(math.Pi * float64(i) / 29)
		shot := Shot{Scene: Scene{Person: p.scene.Person, Look: p.swayed(part(l, t))}}
		if p.shoot(&shot) != nil {
			return
		}
		shots = append(shots, shot)
	}
	for i, shot := range shots {
		p.at = began + time.Duration(i+1)*60*time.Millisecond
		p.send(shot, p.nonce, began+p.script.Late)
	}
	p.at = began
	p.tick(p.interval() + p.script.Late + p.script.Jitter)
}

// flood sends a thousand frames a second.
func (p *play) flood(d time.Duration) {
	shot := Shot{Scene: p.scene}
	for i := range int(d / time.Millisecond) {
		if p.err != nil || p.session.Done() {
			return
		}
		p.tick(time.Millisecond)
		if i%50 == 0 && p.shoot(&shot) != nil {
			return
		}
		shot.Digest[0]++
		p.send(shot, p.nonce, p.at+p.script.Late)
	}
}

// cover shows nobody.
func (p *play) cover(d time.Duration) {
	before := p.scene
	p.scene = Scene{}
	p.hold(d)
	p.scene = before
}

// wait lets time pass without a frame.
func (p *play) wait(d time.Duration) {
	for end := p.at + d; p.at < end && !p.session.Done(); {
		p.tick(p.interval())
	}
}
