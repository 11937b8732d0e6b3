package active

import (
	"math"
	"slices"
	"time"
)

const (
	// flatAspect is how much a face's proportions differ from what its yaw says before that counts as paper. Drawn faces
	// of LFW that nod or shut their eyes stay below 0.1 in 95 of 100, paper tilted by 40 degrees is above 0.2.
	flatAspect = 0.14
	flatFrames = 4
	// mixedJump is how far a face must jump between two frames, in actions, and come back with the third, to be of two scenes.
	mixedJump   = 0.8
	mixedReturn = 0.3
	mixedSpan   = 500 * time.Millisecond
	mixedLimit  = 4
)

// paper ends the session where the face moves as paper does: it looks narrower or lower without turning, or seems to turn
// without its nose coming out of the middle.
func (s *Session) paper(c change, m Measurement) bool {
	t := s.cfg.Thresholds
	if !(t.Turn > 0 && t.Relief > 0 && s.rest.Aspect > 0) {
		return false
	}
	yaw, relief := m.Yaw-s.rest.Yaw, m.Relief-s.rest.Relief
	// A head that turns so far looks so much narrower, the landmarks' yaw falling a little short of the true one.
	excess := m.Aspect/s.rest.Aspect - 1/math.Cos(min(1.3*math.Abs(yaw), 60)*math.Pi/180)
	squeezed := math.Abs(excess) >= flatAspect && math.Abs(yaw) < t.Turn && math.Abs(relief) < t.Relief
	if c[OpenMouth] >= 0.4 {
		return false // which paper can't, and which draws the nose down
	}
	bent := math.Abs(yaw) >= t.Turn && math.Copysign(relief, yaw*relief) < 0.4*t.Relief
	if !squeezed && !bent {
		return false
	}
	if s.flat++; s.flat < flatFrames {
		return false
	}
	s.end(FlatPicture)
	return true
}

// follow notes how much the face moved at all.
func (s *Session) follow(c change, m Measurement) {
	for _, v := range c {
		s.moved = max(s.moved, v)
	}
	r := s.rest
	s.moved = max(s.moved, ratioTo(math.Abs(m.Yaw-r.Yaw), max(r.t.Turn, 1)), math.Abs(m.Pitch-r.Pitch)/20, math.Abs(m.Roll-r.Roll)/20,
		math.Abs(m.Size/r.Size-1)/0.25, math.Hypot(m.X-r.X, m.Y-r.Y)/0.5)
}

// mixed tells that frames of two scenes come by turns: the face jumps away and is back with the next frame, again and
// again.
func (s *Session) mixed(m Measurement) bool {
	now := sample{s.now.Capture, m}
	if len(s.last) == 2 && now.at-s.last[0].at <= mixedSpan {
		away, back := s.apart(now.m, s.last[1].m), s.apart(now.m, s.last[0].m)
		if away >= mixedJump && back <= mixedReturn*away {
			s.flicker++
		}
	}
	s.last = append(s.last, now)
	if len(s.last) > 2 {
		s.last = s.last[1:]
	}
	return s.flicker >= mixedLimit
}

// apart is how far two frames are from each other, in actions.
func (s *Session) apart(a, b Measurement) float64 {
	t := s.cfg.Thresholds
	size := max((a.Size+b.Size)/2, 1e-6)
	return max(ratioTo(math.Abs(a.Yaw-b.Yaw), max(t.Turn, 1)), math.Abs(a.Pitch-b.Pitch)/20, ratioTo(math.Abs(a.LipGap-b.LipGap), max(t.Mouth, 0.05)),
		math.Abs(a.Size-b.Size)/size/0.25, math.Hypot(a.X*a.Size-b.X*b.Size, a.Y*a.Size-b.Y*b.Size)/size)
}

type samples = []sample

func spread(w samples, of func(Measurement) float64) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, f := range w {
		lo, hi = min(lo, of(f.m)), max(hi, of(f.m))
	}
	return hi - lo
}

// median is the measurement whose parts are the medians of the window's.
func median(w samples) Measurement {
	mid := func(of func(*Measurement) *float64) float64 {
		var v []float64
		for _, f := range w {
			v = append(v, *of(&f.m))
		}
		slices.Sort(v)
		return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
	}
	var out Measurement
	for _, of := range []func(*Measurement) *float64{
		func(m *Measurement) *float64 { return &m.Yaw }, func(m *Measurement) *float64 { return &m.Pitch },
		func(m *Measurement) *float64 { return &m.Roll }, func(m *Measurement) *float64 { return &m.EyeOpening },
		func(m *Measurement) *float64 { return &m.LipGap }, func(m *Measurement) *float64 { return &m.Relief },
		func(m *Measurement) *float64 { return &m.Aspect }, func(m *Measurement) *float64 { return &m.Size },
		func(m *Measurement) *float64 { return &m.X }, func(m *Measurement) *float64 { return &m.Y },
	} {
		*of(&out) = mid(of)
	}
	return out
}
