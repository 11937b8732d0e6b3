package decode

import (
	"math"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
)

const (
	// settleEvery is how often in frames it is looked what can be settled.
	settleEvery = 4
	// judgedAfter is the age in frames at which a character's confidence is taken from the beam: what follows has spoken for or
	// against it by then, and other readings are not forgotten yet.
	judgedAfter = 15
	// near is how many frames apart two prefixes may place the same character.
	near = 3
)

// piece is a settled unit.
type piece struct {
	unit       lexicon.Unit
	start, end int32 // frames
	confidence float32
	hotLength  int32
	hot        string
}

// settle moves what all prefixes agree on, and what is old, from the tree to the settled units.
func (s *Stream) settle(b *bench) {
	s.judge(b, s.now-judgedAfter)
	for {
		first := s.tree.below(s.beam[0].node)
		if first < 0 {
			return
		}
		agreed := true
		for i := range s.beam {
			if s.tree.below(s.beam[i].node) != first {
				agreed = false
				break
			}
		}
		if !agreed {
			if s.now-s.tree.nodes[first].start <= int32(s.config.StableAfter) {
				return
			}
			s.drop(first)
		}
		s.judge(b, s.tree.nodes[first].start)
		s.advance(b, first)
	}
}

// drop leaves only the prefixes that go through a node.
func (s *Stream) drop(through int32) {
	kept := s.beam[:0]
	for _, p := range s.beam {
		s.tree.nodes[p.node].beam = -1
		if s.tree.below(p.node) == through {
			kept = append(kept, p)
			continue
		}
		s.tree.release(p.node)
	}
	s.beam = kept
	for i := range s.beam {
		s.tree.nodes[s.beam[i].node].beam = int32(i)
	}
}

// advance makes a node, which all prefixes go through, the root.
func (s *Stream) advance(b *bench, n int32) {
	b.path = s.tree.path(s.beam[0].node, b.path[:0])
	v := &s.tree.nodes[n]
	next := s.now
	if len(b.path) > 1 {
		next = s.tree.nodes[b.path[1]].start
	}
	p := piece{unit: v.unit, confidence: v.confidence, hot: v.hot, hotLength: v.hotLength}
	p.start, p.end = s.span(v, s.settledEnd, next)
	s.settled = append(s.settled, p)
	if s.now <= int32(s.config.Second.MaxFrames) {
		s.units = append(s.units, v.unit)
	}
	s.settledEnd = p.end
	s.tree.advance(n)
}

// span is when a unit was said, given when the one before ends and the next begins; at least one frame.
func (s *Stream) span(v *node, from, next int32) (start, end int32) {
	start = max(v.start, from)
	end = max(start+1, min(next, start+int32(s.config.MaxDuration)))
	return start, end
}

// advance makes a child of the root the root. No prefix needs the old root any more.
func (t *tree) advance(n int32) {
	old := t.root
	t.nodes[n].parent, t.nodes[n].sibling = -1, -1
	t.root = n
	t.free = append(t.free, old)
}

// judge gives the best prefix's units that begin at or before a frame their confidence, unless they have it.
func (s *Stream) judge(b *bench, until int32) {
	weighed := false
	for n := s.beam[0].node; n != s.tree.root; n = s.tree.nodes[n].parent {
		v := &s.tree.nodes[n]
		if v.confidence >= 0 || v.start > until {
			continue
		}
		if !weighed {
			b.weights, weighed = s.weigh(b.weights), true
		}
		v.confidence = s.confidence(v, b.weights)
	}
}

// weigh returns the posteriors of the prefixes, as the scores have them.
func (s *Stream) weigh(weights []float64) []float64 {
	weights = weights[:0]
	sum := 0.0
	for i := range s.beam {
		w := math.Exp((s.beam[i].score - s.beam[0].score) * massScale)
		weights = append(weights, w)
		sum += w
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights
}

// confidence is that of a unit at its time.
func (s *Stream) confidence(v *node, weights []float64) float32 {
	mass := 0.0
	for i := range s.beam {
		for n := s.beam[i].node; n != s.tree.root; n = s.tree.nodes[n].parent {
			o := &s.tree.nodes[n]
			if o.start < v.start-near {
				break
			}
			if o.unit == v.unit && o.start <= v.start+near {
				mass += weights[i]
				break
			}
		}
	}
	return s.config.Calibration.apply(mass, v.peak, v.lm)
}
