package active

import (
	"math"
	"slices"
	"time"

	"github.com/courtsense/courtsense/vision/face"
)

// Bounds of a session. They are choices, tried on the scripts in activetest and not measured on people.
const (
	// TotalLimit is the longest session by the client's clock, from its first frame on.
	TotalLimit = 20 * time.Second
	// linkAllowance is how much longer it may take by the server's clock: what a slow link holds back.
	linkAllowance = 10 * time.Second
	// StepLimit is how long a person has for one action once it is shown.
	StepLimit   = 5 * time.Second
	returnLimit = 3 * time.Second // to look straight again
	shownLimit  = 3 * time.Second // for a challenge to reach the client and come back with a frame
	settleSpan  = 500 * time.Millisecond
	settleLeast = 4                       // frames
	lostLimit   = 2 * time.Second         // without a usable face
	gapLimit    = 1200 * time.Millisecond // between two frames: at 5 frames a second, five lost ones
	// Nobody moves within this after an action is shown, nor is one done sooner: people react to what they see in about a
	// quarter of a second.
	reaction      = 150 * time.Millisecond
	leastResponse = 300 * time.Millisecond
	wrongSpan     = 300 * time.Millisecond
	earlyLimit    = 2   // movements before they are asked for that are forgiven
	wrongMargin   = 1.4 // how far another action must go to be a wrong answer, of its threshold
	restlessYaw   = 15  // degrees: the most that a resting face may be turned
	restlessRoll  = 30  // degrees
	leastSize     = 0.15
	compareEvery  = 400 * time.Millisecond // capture time between two comparisons of the face
	sayEvery      = 700 * time.Millisecond
	doubtLimit    = 2   // comparisons in a row that must fail
	stillMove     = 0.5 // what a still face moves less than, all through, of an action: twice what landmarks waver by
)

// Config is what a session decides by.
type Config struct {
	Steps      []Step
	Thresholds Thresholds
	// Same and SameMoving are the least cosines of the face's template and the first one's: while it rests, and while it is
	// turned or deformed, which lowers the similarity of one person's templates too.
	Same, SameMoving float32
	History          *History // of the frames of other sessions; nil: none is kept
}

// Frame is what is known of a frame without looking at its picture.
type Frame struct {
	Capture  time.Duration // by the client's clock, since any moment before its first frame
	Received time.Duration // by the server's clock, since the session was opened
	Nonce    string        // of the challenge that the client was showing; empty before the first
	Digest   Digest
}

// Reply is what to do after a frame.
type Reply struct {
	Challenge *Challenge // to be shown from now on
	Guidance  string     // to be said to the person; empty: nothing new
	Keep      bool       // the frame is one of the session's best: evidence, and what the passive check looks at
}

// Challenge is an action to show to the person.
type Challenge struct {
	Step
	Number, Count int // from 1
}

type state int

const (
	settling  state = iota // until a resting face was watched for long enough
	pausing                // the face rests; an action will be asked for
	asked                  // an action is asked for
	returning              // it was done; the face is to rest again
	over
)

// Session checks one person. For each frame its owner calls Admit, measures the frame if it says so, completes the
// measurement with a template if WantsTemplate says so, and calls Observe; Tick tells the time when no frame comes. It is
// not safe for concurrent use.
type Session struct {
	cfg     Config
	id      uint64
	state   state
	outcome Outcome

	clock   clock
	now     Frame // the last admitted frame
	digests map[Digest]bool

	window samples // resting frames of the last second, while settling
	rest   rest
	ref    []face.Template // of the resting face
	last   []sample        // the last two measured frames
	good   time.Duration   // capture time of the last usable frame

	step     int
	resting  time.Duration // capture time since when the face rests, while pausing
	restless bool
	early    int
	hits     int
	peak     float64
	doneAt   time.Duration
	wrong    int
	wrongAt  time.Duration

	compared time.Duration // capture time of the last comparison
	doubts   int
	flat     int
	flicker  int
	moved    float64 // the most that the face moved in any way, 1 being an action
	said     string
	saidAt   time.Duration
	spoken   bool
}

type sample struct {
	at time.Duration
	m  Measurement
}

// NewSession starts a session.
func NewSession(c Config) *Session {
	s := &Session{cfg: c, digests: map[Digest]bool{}}
	s.clock = newClock(len(c.Steps))
	if c.History != nil {
		s.id = c.History.session()
	}
	for _, step := range c.Steps {
		s.outcome.Steps = append(s.outcome.Steps, StepResult{Action: step.Action})
	}
	s.outcome.LeastSimilar = 1
	return s
}

// Done tells whether the session is over.
func (s *Session) Done() bool { return s.state == over }

// Outcome returns how the session ended; before that, as if it were ended now.
func (s *Session) Outcome() Outcome {
	if s.state != over {
		s.end(Ended)
	}
	o := s.outcome
	o.Steps = slices.Clone(o.Steps)
	return o
}

// end ends the session; the step that was under way did not pass for the same reason.
func (s *Session) end(r Reason) {
	if s.state == over {
		return
	}
	if r != "" && s.step < len(s.cfg.Steps) {
		s.outcome.Steps[s.step].Reason = r
	}
	s.state, s.outcome.Reason, s.outcome.Verdict = over, r, r.Verdict()
	if s.clock.frames > 0 {
		s.outcome.Duration = s.clock.last - s.clock.first
	}
}

// Tick tells the session the server's time since it was opened, for when no frame comes.
func (s *Session) Tick(now time.Duration) {
	switch {
	case s.state == over:
	case now > TotalLimit+linkAllowance:
		s.end(s.unanswered())
	case s.state == asked && now > s.clock.sent[s.step]+StepLimit+shownLimit+linkAllowance:
		s.end(s.unanswered())
	}
}

// unanswered is the reason of a session whose time is over.
func (s *Session) unanswered() Reason {
	switch {
	case s.state == settling:
		return NotReady
	case s.moved < stillMove:
		return StillPicture
	}
	return TooLate
}

// Admit takes note of a frame's arrival and tells whether it is to be measured. A frame that is refused may have ended the
// session.
func (s *Session) Admit(f Frame) bool {
	if s.state == over {
		return false
	}
	if r := s.clock.arrive(f, s.cfg.Steps, s.step, s.state); r != "" {
		s.end(r)
		return false
	}
	if f.Capture-s.clock.first > TotalLimit || f.Received > TotalLimit+linkAllowance {
		s.end(s.unanswered())
		return false
	}
	use, r := s.clock.use(f, s.state)
	if r != "" {
		s.end(r)
		return false
	}
	if !use {
		s.outcome.Skipped++
		return false
	}
	if s.digests[f.Digest] {
		s.end(FramesRepeated)
		return false
	}
	s.now = f
	return true
}

// WantsTemplate tells whether the admitted frame's face is to be compared with the first one.
func (s *Session) WantsTemplate(m Measurement) bool {
	if s.state == over || m.Problem != NoProblem {
		return false
	}
	if s.state == settling || s.doubts > 0 || s.now.Capture-s.compared >= compareEvery || s.jumped(m) {
		return true
	}
	c := s.rest.compare(m)
	switch s.state {
	case asked:
		return c[s.cfg.Steps[s.step].Action] >= 1 && s.hits == 0
	case returning:
		return s.rest.resting(c, m)
	}
	return false
}

// jumped tells that the face is not where it was one frame before.
func (s *Session) jumped(m Measurement) bool {
	if len(s.last) == 0 {
		return false
	}
	b := s.last[len(s.last)-1].m
	return math.Hypot(m.X*m.Size-b.X*b.Size, m.Y*m.Size-b.Y*b.Size) > 0.5*b.Size || m.Size > 1.3*b.Size || b.Size > 1.3*m.Size
}

// Observe takes the measurement of the admitted frame.
func (s *Session) Observe(m Measurement) Reply {
	if s.state == over {
		return Reply{}
	}
	s.outcome.Frames++
	if m.Problem != NoProblem {
		return s.unusable(m)
	}
	s.good = s.now.Capture
	// Frames without a face, such as those of a camera that starts, may look alike in every session.
	s.digests[s.now.Digest] = true
	if s.cfg.History != nil && s.cfg.History.seen(s.now.Digest, s.id) {
		s.end(Replay)
		return Reply{}
	}
	if s.mixed(m) {
		s.end(StreamsMixed)
		return Reply{}
	}
	if s.state == settling {
		return s.settle(m)
	}
	c := s.rest.compare(m)
	s.follow(c, m)
	if !s.sameFace(c, m) || s.paper(c, m) {
		return Reply{}
	}
	switch s.state {
	case pausing:
		return s.pause(c, m)
	case asked:
		return s.answer(c)
	case returning:
		return s.comeBack(c, m)
	}
	return Reply{}
}

func (s *Session) unusable(m Measurement) Reply {
	if s.state == settling {
		s.window = nil
	} else if s.now.Capture-s.good > lostLimit {
		s.end(FaceLost)
		return Reply{}
	}
	s.resting, s.hits, s.wrong = s.now.Capture, 0, 0
	return s.say(string(m.Problem))
}

// settle waits until the person looks straight into the camera and keeps still, which everything later is compared with.
func (s *Session) settle(m Measurement) Reply {
	var problem string
	switch {
	case m.Size < leastSize:
		problem = string(TooSmall)
	case math.Abs(m.Yaw) > restlessYaw:
		problem = "Look straight into the camera."
	case math.Abs(m.Roll) > restlessRoll:
		problem = "Hold your head upright."
	}
	if problem != "" {
		s.window = nil
		return s.say(problem)
	}
	s.window = append(s.window, sample{s.now.Capture, m})
	for s.now.Capture-s.window[0].at > 2*settleSpan {
		s.window = s.window[1:]
	}
	if s.now.Capture-s.window[0].at < settleSpan || len(s.window) < settleLeast {
		return Reply{}
	}
	if spread(s.window, func(m Measurement) float64 { return m.Yaw }) > 8 || spread(s.window, func(m Measurement) float64 { return m.Size })/m.Size > 0.2 {
		s.window = s.window[1:]
		return s.say("Keep still.")
	}
	s.rest = rest{median(s.window), s.cfg.Thresholds}
	for _, f := range s.window {
		if f.m.Template != nil && len(s.ref) < 3 {
			s.ref = append(s.ref, f.m.Template)
		}
	}
	s.window, s.compared = nil, s.now.Capture
	s.startPause()
	return Reply{Keep: true}
}

func (s *Session) startPause() { s.state, s.resting, s.restless = pausing, s.now.Capture, false }

// pause watches the resting face before the next action is asked for.
func (s *Session) pause(c change, m Measurement) Reply {
	if !s.rest.resting(c, m) {
		s.resting = s.now.Capture
		if _, most := c.strongest(); most >= 1 && !s.restless {
			s.restless = true
			if s.early++; s.early > earlyLimit {
				s.end(TooEarly)
				return Reply{}
			}
		}
		return s.say("Look straight into the camera and wait.")
	}
	s.restless = false
	step := s.cfg.Steps[s.step]
	if s.now.Capture-s.resting < step.Pause || s.doubts > 0 {
		return Reply{}
	}
	s.state, s.hits, s.peak, s.wrong, s.flat = asked, 0, 0, 0, 0
	s.clock.sent[s.step] = s.now.Received
	s.outcome.Steps[s.step].Asked = true
	s.said, s.spoken, s.saidAt = "", true, s.now.Received
	return Reply{Challenge: &Challenge{step, s.step + 1, len(s.cfg.Steps)}}
}

// answer looks for the action that is asked for.
func (s *Session) answer(c change) Reply {
	action := s.cfg.Steps[s.step].Action
	amount := c[action]
	if s.clock.shown < s.step {
		switch {
		case amount >= 1:
			s.end(TooEarly) // the client has not shown it yet
		case s.now.Received-s.clock.sent[s.step] > StepLimit+shownLimit:
			s.end(s.unanswered())
		}
		return Reply{}
	}
	since := s.now.Capture - s.clock.shownAt
	if since < reaction && amount >= 0.6 {
		s.end(TooEarly)
		return Reply{}
	}
	if amount >= 1 {
		s.hits++
		s.peak = max(s.peak, amount)
		if s.hits >= 2 || action == Blink || s.clock.spacing > 250*time.Millisecond {
			if s.now.Received-s.clock.sent[s.step] < leastResponse {
				s.end(TooEarly)
				return Reply{}
			}
			step := &s.outcome.Steps[s.step]
			step.At, step.Score = s.now.Capture, min(s.peak/2, 1)
			s.state, s.doneAt = returning, s.now.Capture
			return s.say("Look straight into the camera again.")
		}
		return Reply{}
	}
	s.hits = 0
	if other, most := c.strongest(); other != action && most >= wrongMargin && amount < 0.7 {
		if s.wrong == 0 {
			s.wrongAt = s.now.Capture
		}
		if s.wrong++; s.wrong >= 3 && s.now.Capture-s.wrongAt >= wrongSpan {
			s.end(WrongAction)
			return Reply{}
		}
	} else {
		s.wrong = 0
	}
	if since > StepLimit {
		s.end(s.unanswered())
		return Reply{}
	}
	return s.say(encourage(action, amount, since))
}

// comeBack waits until the face rests again, and then has seen the whole action.
func (s *Session) comeBack(c change, m Measurement) Reply {
	step := &s.outcome.Steps[s.step]
	if amount := c[step.Action]; amount > s.peak {
		s.peak = amount
		step.Score = min(s.peak/2, 1)
	}
	if !s.rest.resting(c, m) || s.doubts > 0 {
		if s.now.Capture-s.doneAt > returnLimit {
			s.end(TooLate)
			return Reply{}
		}
		return s.say("Look straight into the camera again.")
	}
	step.Passed = true
	if step.Action == ComeCloser {
		s.rest.Size, s.rest.X, s.rest.Y = m.Size, m.X, m.Y // who came closer stays there
	}
	if s.step++; s.step == len(s.cfg.Steps) {
		s.end("")
		return Reply{Keep: true}
	}
	s.startPause()
	return Reply{Keep: true}
}

// sameFace compares the face with the first one's where that was asked for. One comparison in doubt may be a blurred
// frame; the next frame is then compared at once.
func (s *Session) sameFace(c change, m Measurement) bool {
	if m.Template == nil || len(s.ref) == 0 {
		return true
	}
	cosine := float32(-1)
	for _, r := range s.ref {
		cosine = max(cosine, face.Similarity(r, m.Template))
	}
	s.compared = s.now.Capture
	least := s.cfg.SameMoving
	if s.rest.resting(c, m) {
		least = s.cfg.Same
		s.outcome.LeastSimilar = min(s.outcome.LeastSimilar, cosine)
		s.outcome.Compared++
	}
	if cosine >= least {
		s.doubts = 0
		return true
	}
	if s.doubts++; s.doubts >= doubtLimit {
		s.end(FaceChanged)
		return false
	}
	return true
}

// say returns guidance when it is new, and not before the last was understood.
func (s *Session) say(text string) Reply {
	if text == "" || text == s.said && s.now.Received-s.saidAt < 3*sayEvery || s.spoken && s.now.Received-s.saidAt < sayEvery {
		return Reply{}
	}
	s.said, s.saidAt, s.spoken = text, s.now.Received, true
	return Reply{Guidance: text}
}
