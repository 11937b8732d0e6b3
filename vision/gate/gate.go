package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
)

// Config sets up a [Gate]. Zero values are the defaults.
type Config struct {
	Camera     string
	Recogniser Recogniser
	Policy     func() *Policy // asked for every decision; it may change
	Tracker    TrackerConfig
	LookEvery  time.Duration // least time between two frames in which faces are looked for; 110 ms, every third at 25 fps
	ShotEvery  time.Duration // least time between two shots of one face; 200 ms
	// RecheckEvery is the least time between two shots of a face after its decision: to see that it is still the same face, and
	// whether somebody who was not admitted now is; 1 s.
	RecheckEvery time.Duration
	MinFrames    int           // shots that a decision needs; 3
	MinFace      float32       // narrower faces are followed, but not taken to be at the gate, pixels; 48
	Patience     time.Duration // how long somebody may stay unidentified before they are unknown; 2.5 s
	Tailgate     time.Duration // how near in time to an admission a second face is tailgating; 3 s
}

// looksAFrame bounds the work on one frame, however many faces there are; the others have their turn with the next.
const looksAFrame = 4

func (c Config) withDefaults() Config {
	c.LookEvery = cmp.Or(c.LookEvery, 110*time.Millisecond)
	c.ShotEvery = cmp.Or(c.ShotEvery, 200*time.Millisecond)
	c.RecheckEvery = cmp.Or(c.RecheckEvery, time.Second)
	c.MinFrames = cmp.Or(c.MinFrames, 3)
	c.MinFace = cmp.Or(c.MinFace, 48)
	c.Patience = cmp.Or(c.Patience, 2500*time.Millisecond)
	c.Tailgate = cmp.Or(c.Tailgate, 3*time.Second)
	return c
}

// Gate follows one camera. It is not safe for concurrent use: frames have an order.
type Gate struct {
	cfg           Config
	tracker       *Tracker
	passages      map[int64]*passage
	memories      []memory
	admissions    []admission
	looked        time.Time
	now           time.Time
	width, height int
}

type admission struct {
	passage *passage
	time    time.Time
}

// Frame is a picture of the camera.
type Frame struct {
	Image *imaging.Raster
	Time  time.Time // when it was taken
}

// TrackView is a followed face as it is shown to people.
type TrackView struct {
	ID       int64
	Box      face.Box
	Seen     bool // in this frame; else predicted
	Decision Type // 0: none yet
	Person   PersonRef
	Frames   int // that have voted
}

// Observation is what became of a frame.
type Observation struct {
	Tracks  []TrackView // confirmed ones
	Events  []Event
	Endings []Ending
}

func (o *Observation) join(more Observation) {
	o.Events, o.Endings = append(o.Events, more.Events...), append(o.Endings, more.Endings...)
}

// New returns a gate.
func New(cfg Config) *Gate {
	cfg = cfg.withDefaults()
	return &Gate{cfg: cfg, tracker: NewTracker(cfg.Tracker), passages: map[int64]*passage{}}
}

// Due tells whether Observe would look for faces in a frame of that time, so that the others need not be decoded.
func (g *Gate) Due(t time.Time) bool { return g.looked.IsZero() || t.Sub(g.looked) >= g.cfg.LookEvery }

// Observe takes the next frame. A frame that is not later than the one before is left out. An error is the models' or the
// galleries'; what was found without them is in the observation all the same.
func (g *Gate) Observe(ctx context.Context, f Frame) (Observation, error) {
	var o Observation
	if !f.Time.After(g.now) {
		return o, nil
	}
	if g.width != f.Image.Width || g.height != f.Image.Height {
		// Another picture: places in the old one mean nothing in it.
		o.join(g.Flush(ctx, f.Time))
		g.width, g.height = f.Image.Width, f.Image.Height
	}
	g.now = f.Time
	var errs []error
	if g.Due(f.Time) {
		g.looked = f.Time
		found, err := g.cfg.Recogniser.Detect(ctx, f.Image)
		if err != nil {
			// Nothing is known of this frame; the tracks go on as in a frame between looks.
			errs = append(errs, err)
			g.tracker.Predict(f.Time)
		} else {
			ended := g.tracker.Update(f.Time, found)
			for _, t := range ended {
				o.join(g.finish(ctx, t, f.Time))
			}
			errs = append(errs, g.look(ctx, f, found, &o))
		}
	} else {
		g.tracker.Predict(f.Time)
	}
	for _, t := range g.tracker.Tracks() {
		if !g.tracker.Confirmed(t) {
			continue
		}
		v := TrackView{ID: t.ID, Box: t.Box, Seen: t.Last.Equal(f.Time)}
		if p := g.passages[t.ID]; p != nil {
			v.Decision, v.Person, v.Frames = p.decided, p.who, p.ballot.frames
		}
		o.Tracks = append(o.Tracks, v)
	}
	return o, errors.Join(errs...)
}

// look takes shots of the faces that are due, those that wait longest first, and decides.
func (g *Gate) look(ctx context.Context, f Frame, found []face.Detection, o *Observation) error {
	zone, _ := g.cfg.Policy().Zone(g.cfg.Camera)
	if zone == nil {
		return nil
	}
	var due []*passage
	for _, t := range g.tracker.Tracks() {
		if !g.tracker.Confirmed(t) || t.Found == nil || t.Box.W < g.cfg.MinFace {
			continue
		}
		p := g.passages[t.ID]
		if p == nil {
			p = &passage{key: g.key(t), track: t}
			g.passages[t.ID] = p
		}
		every := g.cfg.ShotEvery
		p.unsure = p.unsure || t.Regained.After(p.lastShot) && p.frames > 0
		// Somebody who is decided is looked at less often, unless it may not be them any more.
		if p.decided != 0 && len(p.odd) == 0 && !p.unsure {
			every = g.cfg.RecheckEvery
		}
		// A face that goes away tells less than what is known of it.
		leaving := p.decided == 0 && p.ballot.frames >= g.cfg.MinFrames && t.Box.W < p.widest/2
		p.widest = max(p.widest, t.Box.W)
		if !leaving && f.Time.Sub(p.lastShot) >= every {
			due = append(due, p)
		}
	}
	slices.SortStableFunc(due, func(a, b *passage) int {
		return cmp.Or(cmp.Compare(min(a.decided, 1), min(b.decided, 1)), a.lastShot.Compare(b.lastShot))
	})
	var errs []error
	for _, p := range due[:min(len(due), looksAFrame)] {
		p.lastShot = f.Time
		i := slices.IndexFunc(found, func(d face.Detection) bool { return d == *p.track.Found })
		l, err := g.cfg.Recogniser.Look(ctx, f.Image, found, i, zone.Galleries)
		if err != nil {
			errs, p.failed = append(errs, err), true
			continue
		}
		if l.Weight > 0 {
			p = g.shoot(ctx, p, newShot(f.Time, f.Image, *p.track.Found, l), o)
		}
		if err := g.decide(ctx, p, f.Time, false, o); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (g *Gate) key(t *Track) string {
	return fmt.Sprintf("%s/%d/%d", g.cfg.Camera, t.First.UnixNano(), t.ID)
}

// shoot adds a shot to a passage, or to a new one that begins with it: where two shots running look like each other and not
// like those before, the track has gone over to somebody else.
func (g *Gate) shoot(ctx context.Context, p *passage, s shot, o *Observation) *passage {
	// A face that was never lost is another one only if it looks so; one that was lost is the same one only if it looks so.
	least := s.look.Rule.Other
	if p.unsure {
		least = s.look.Rule.Same
	}
	if mean := p.mean(); mean != nil && face.Similarity(mean, s.template) < least {
		p.odd = append(p.odd, s)
		if len(p.odd) < 2 || face.Similarity(p.odd[0].template, s.template) < s.look.Rule.Other {
			p.odd = p.odd[len(p.odd)-1:]
			return p
		}
		odd := p.odd
		p.odd = nil
		t := p.track
		old := g.tracker.split(t, odd[0].time)
		if p.decided != 0 || p.ballot.frames >= g.cfg.MinFrames {
			p.track = old
			o.join(g.finish(ctx, old, s.time))
		}
		delete(g.passages, old.ID)
		p = &passage{key: g.key(t), track: t, lastShot: s.time, widest: t.Box.W}
		g.passages[t.ID] = p
		for _, s := range odd {
			p.add(s)
		}
		return p
	}
	p.odd, p.unsure = nil, false
	p.add(s)
	return p
}

// Flush ends all tracks, as when the camera's picture is lost or the server stops: whoever was not decided is, by what is
// known of them.
func (g *Gate) Flush(ctx context.Context, now time.Time) Observation {
	var o Observation
	for _, t := range g.tracker.Clear() {
		o.join(g.finish(ctx, t, now))
	}
	g.looked = time.Time{}
	return o
}

// finish ends a track.
func (g *Gate) finish(ctx context.Context, t *Track, now time.Time) Observation {
	var o Observation
	p := g.passages[t.ID]
	delete(g.passages, t.ID)
	if p == nil || !g.tracker.Confirmed(t) {
		return o
	}
	p.track = t
	if err := g.decide(ctx, p, now, true, &o); err != nil && p.decided == 0 {
		// Nobody is left out because a model fails as they go.
		g.emit(p, verdict{kind: Unknown, reason: ReasonIdentification}, now, &o)
	}
	if p.event {
		o.Endings = append(o.Endings, Ending{Passage: p.key, Last: t.Last})
	}
	g.remember(p)
	return o
}

// verdict is a decision on a passage.
type verdict struct {
	kind   Type
	tally  *tally
	rule   string
	reason string
}

// decide decides a passage if that can be done; last says that there will be no further frame.
func (g *Gate) decide(ctx context.Context, p *passage, now time.Time, last bool, o *Observation) error {
	policy := g.cfg.Policy()
	zone, direction := policy.Zone(g.cfg.Camera)
	if zone == nil || p.decided == Admitted || p.decided == Spoof || last && p.decided != 0 {
		return nil
	}
	p.zone = zone
	enough := p.ballot.frames >= g.cfg.MinFrames
	waited := last || !p.first.IsZero() && now.Sub(p.first) >= g.cfg.Patience
	if !enough {
		if !last {
			return nil
		}
		// Who was hardly seen, and never well, may have been no face at all.
		switch {
		case p.decided != 0:
		case p.failed:
			g.emit(p, verdict{kind: Unknown, tally: p.ballot.nearest(), reason: ReasonIdentification}, now, o)
		case p.ballot.frames > 0:
			g.emit(p, verdict{kind: Unknown, tally: p.ballot.nearest(), reason: ReasonTooFewFrames}, now, o)
		case p.track.Hits >= g.cfg.MinFrames && p.track.Last.Sub(p.track.First) >= time.Second:
			g.emit(p, verdict{kind: Unknown, reason: ReasonNoUsableFrame}, now, o)
		}
		return nil
	}
	winner := p.ballot.winner()
	if winner == nil && (!waited || p.decided != 0) {
		return nil
	}
	live := liveness.Live
	if zone.Liveness {
		if err := g.judge(ctx, p); err != nil {
			return err
		}
		live = p.live.Verdict
	}
	v := verdict{tally: winner}
	switch {
	case live == liveness.Attack:
		v.kind = Spoof
		if v.tally == nil {
			v.tally = p.ballot.nearest()
		}
	case winner == nil:
		v.kind, v.tally, v.reason = Unknown, p.ballot.nearest(), ReasonNotInGallery
	case live == liveness.Undecided:
		if !waited {
			return nil
		}
		v.kind, v.reason = Refused, ReasonLivenessUndecided
	default:
		admit := true
		if direction == Entry {
			admit, v.rule = policy.Decide(zone, winner.who, now)
		}
		v.kind = Refused
		if admit {
			v.kind = Admitted
		} else if v.rule == "" {
			v.reason = ReasonNoRule
		}
	}
	if p.decided != 0 && v.kind != Admitted && v.kind != Spoof && !(p.decided == Unknown && v.kind == Refused) {
		return nil // nothing new: they stand there
	}
	g.emit(p, v, now, o)
	return nil
}

// judge checks liveness on the best shots, unless they are those of the last time.
func (g *Gate) judge(ctx context.Context, p *passage) error {
	if p.live != nil && p.judged == p.ballot.frames {
		return nil
	}
	frames := make([]liveness.Frame, 0, len(p.best))
	for _, s := range p.best {
		frames = append(frames, s.frame)
	}
	r, err := g.cfg.Recogniser.Live(ctx, frames)
	if err != nil {
		return err
	}
	r.Scores = nil // of single frames, of no use afterwards
	p.live, p.judged = &r, p.ballot.frames
	return nil
}

// emit decides a passage and makes the event, unless there was one of this person here just now.
func (g *Gate) emit(p *passage, v verdict, now time.Time, o *Observation) {
	if p.zone == nil {
		return
	}
	if (v.kind == Unknown || v.kind == Refused && v.reason == "" || v.reason == ReasonNoRule) && g.onAnothersAdmission(p) {
		v.kind, p.tailgated = Tailgating, true
	}
	var who PersonRef
	if v.tally != nil && v.kind != Unknown && !(v.kind == Spoof && p.ballot.winner() == nil) && !(v.kind == Tailgating && p.ballot.winner() == nil) {
		who = v.tally.who
	}
	p.decided, p.who, p.reason = v.kind, who, v.reason
	seen := g.recall(p)
	if seen != nil {
		p.key, p.event = seen.key, true
	}
	if seen == nil || seen.decided != v.kind && !(v.kind == Unknown && seen.decided != 0) {
		g.event(p, v, now, o)
	}
	if v.kind == Admitted {
		g.admissions = append(g.admissions, admission{p, now})
		g.admissions = slices.DeleteFunc(g.admissions, func(a admission) bool { return now.Sub(a.time) > g.cfg.Tailgate })
		g.flagTailgaters(now, o)
	}
	if v.kind == Unknown || v.kind == Refused || v.kind == Tailgating {
		p.reopen() // a better view may yet tell
	}
}

func (g *Gate) event(p *passage, v verdict, now time.Time, o *Observation) {
	_, direction := g.cfg.Policy().Zone(g.cfg.Camera)
	e := Event{
		Type: v.kind, Camera: g.cfg.Camera, Zone: p.zone.Name, Direction: direction, Passage: p.key,
		Start: p.track.First, Time: now, Person: p.who, Rule: v.rule, Reason: v.reason,
		Frames: p.frames, Alarm: p.zone.alarm(v.kind), Box: p.track.Box, Liveness: p.live,
		Similarity: p.ballot.similarity(v.tally), Confidence: p.ballot.share(p.ballot.winner()), Models: g.cfg.Recogniser.Models(),
	}
	if p.frames > 0 {
		e.Crop, e.Box = p.face.crop(), p.face.box
	}
	p.event = true
	o.Events = append(o.Events, e)
}

// recall finds the same person's last passage here, if it was a moment ago: by who they are, or, of somebody unknown, by how
// they look.
func (g *Gate) recall(p *passage) *memory {
	g.memories = slices.DeleteFunc(g.memories, func(m memory) bool { return g.now.Sub(m.last) > m.revisit })
	mean, same := p.mean(), p.ballot.rule.Same
	for i := range slices.Backward(g.memories) {
		m := &g.memories[i]
		if p.who.ID != "" && m.who.is(p.who) || (p.who.ID == "" || m.who.ID == "") && same > 0 && sameFace(mean, m.template, same) {
			return m
		}
	}
	// Somebody of whom two tracks are followed at once, as when a glimpse of them was not joined.
	for _, other := range g.passages {
		if other == p || !other.event || other.track.Found != nil {
			continue
		}
		if p.who.ID != "" && other.who.is(p.who) || p.who.ID == "" && same > 0 && sameFace(mean, other.mean(), same) {
			return &memory{key: other.key, decided: other.decided, who: other.who}
		}
	}
	return nil
}

func (g *Gate) remember(p *passage) {
	if p.decided == 0 || !p.event || p.zone.Revisit == 0 {
		return
	}
	g.memories = append(g.memories, memory{
		key: p.key, decided: p.decided, who: p.who, template: p.mean(), last: p.track.Last, revisit: p.zone.Revisit,
	})
}

// onAnothersAdmission tells whether somebody else, about as near, was admitted about when this face was there.
func (g *Gate) onAnothersAdmission(p *passage) bool {
	if _, direction := g.cfg.Policy().Zone(g.cfg.Camera); direction != Entry {
		return false
	}
	return p.zone.Tailgating && slices.ContainsFunc(g.admissions, func(a admission) bool {
		return a.passage != p && p.widest >= a.passage.widest/2 &&
			!p.track.Last.Before(a.time) && p.track.First.Sub(a.time) <= g.cfg.Tailgate
	})
}

// flagTailgaters makes events of those who are known not to be admitted, and are still there as somebody is.
func (g *Gate) flagTailgaters(now time.Time, o *Observation) {
	for _, t := range g.tracker.Tracks() {
		p := g.passages[t.ID]
		if p == nil || p.tailgated || p.decided != Unknown && p.decided != Refused || now.Sub(t.Last) > time.Second || !g.onAnothersAdmission(p) {
			continue
		}
		p.tailgated, p.decided = true, Tailgating
		g.event(p, verdict{kind: Tailgating, tally: p.ballot.nearest()}, now, o)
	}
}
