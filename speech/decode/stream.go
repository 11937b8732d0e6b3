package decode

import (
	"context"
	"fmt"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/hotword"
	"github.com/courtsense/courtsense/speech/language"
)

// Stream is the search over one utterance. It is for one goroutine at a time. What it answers depends on the rows and on the
// frames at which hot words change, not on how the rows are cut into pushes.
type Stream struct {
	d      *Decoder
	config Config // of this pass
	graph  *hotword.Graph
	tree   tree
	beam   []prefix // the best first
	next   []prefix
	now    int32 // frames so far
	// settled is what never changes again, but for what was taken.
	settled    []piece
	settledEnd int32
	// must is what the text of a second pass has to begin with, and stable the part of it that was not taken.
	must   []lexicon.Unit
	stable []piece
	// record is for the second pass: the frames, the units that are settled, and when hot words changed.
	record  []frame
	units   []lexicon.Unit
	changes []change
	scratch frame
}

type change struct {
	at    int32
	graph *hotword.Graph
}

// NewStream starts a search.
func (d *Decoder) NewStream() *Stream {
	s := &Stream{d: d, config: d.config}
	s.Reset()
	return s
}

// Reset begins a new utterance; hot words stay.
func (s *Stream) Reset() {
	s.tree.reset()
	first := prefix{label: never, unit: -1, state: s.d.start}
	if t := s.d.config.Transducer; t != nil {
		copy(first.context[:t.ContextSize()], t.Start())
	}
	s.beam, s.now = append(s.beam[:0], first), 0
	clear(s.settled)
	s.settledEnd = 0
	s.settled, s.record, s.units = s.settled[:0], s.record[:0], s.units[:0]
	s.changes = append(s.changes[:0], change{0, s.graph})
}

// SetHotwords changes the hot words from the next frame on; nil is none. What was said of a phrase before counts when it goes on.
func (s *Stream) SetHotwords(g *hotword.Graph) {
	s.graph = g
	s.changes = append(s.changes, change{s.now, g})
	if n := len(s.changes); n > 1 && s.changes[n-2].at == s.now {
		s.changes[n-2] = s.changes[n-1]
		s.changes = s.changes[:n-1]
	}
	if s.now >= int32(s.config.Second.MaxFrames) {
		s.changes = s.changes[:0]
	}
	var path []int32
	var runes []rune
	for i := range s.beam {
		p := &s.beam[i]
		p.hot, p.partial, p.relief = 0, 0, 0
		if g.Len() > 0 {
			path = s.tree.path(p.node, path[:0])
			runes = s.lastRunes(path, g.MaxDepth(), runes[:0])
			for _, r := range runes {
				p.hot, _ = g.Step(p.hot, r)
			}
			p.partial = g.Partial(p.hot)
		}
		p.score = logAdd(p.blank, p.label) + p.bias + float64(p.partial+p.relief)
	}
	// The beam is ordered by the scores.
	for i := 1; i < len(s.beam); i++ {
		for j := i; j > 0 && s.beam[j].score > s.beam[j-1].score; j-- {
			s.beam[j], s.beam[j-1] = s.beam[j-1], s.beam[j]
			s.tree.nodes[s.beam[j].node].beam, s.tree.nodes[s.beam[j-1].node].beam = int32(j), int32(j-1)
		}
	}
}

// lastRunes are about the last n characters of a path and of what is settled before it.
func (s *Stream) lastRunes(path []int32, n int, buf []rune) []rune {
	var units []lexicon.Unit
	for _, v := range s.settled[max(0, len(s.settled)-n):] {
		units = append(units, v.unit)
	}
	for _, v := range path {
		units = append(units, s.tree.nodes[v].unit)
	}
	for _, u := range units[max(0, len(units)-n):] {
		buf = append(buf, []rune(s.d.lex.Text(u))...)
	}
	return buf
}

// Push goes on by rows, each as wide as the acoustic model's output. The rows are not kept. CTC never waits; a transducer
// asks its networks. On an error, the rows before the failing one are processed and the others are not.
func (s *Stream) Push(ctx context.Context, rows [][]float32) error {
	b := s.d.bench()
	defer s.d.putBack(b)
	for i, row := range rows {
		if err := s.push(ctx, b, row); err != nil {
			return fmt.Errorf("decode: row %d of %d: %w", i, len(rows), err)
		}
	}
	return nil
}

func (s *Stream) push(ctx context.Context, b *bench, row []float32) error {
	if s.d.config.Transducer != nil {
		if err := s.stepTransducer(ctx, b, row); err != nil {
			return err
		}
	} else {
		if err := s.width(row); err != nil {
			return err
		}
		// The second pass may look at more tokens than the first.
		s.scratch.read(row, s.d.lex.Blank(), maxTopTokens, s.config.Floor, s.config.AcousticScale)
		if len(s.record) < s.config.Second.MaxFrames && s.config.Second.Beam > 0 {
			s.record = append(s.record, s.scratch)
		}
		s.stepCTC(b, s.scratch.top(s.config.TopTokens))
	}
	s.now++
	if s.now%settleEvery == 0 {
		s.settle(b)
	}
	return nil
}

func (f *frame) top(n int) *frame {
	f.count = min(f.count, int32(n))
	return f
}

func (s *Stream) width(row []float32) error {
	if len(row) != s.d.lex.Tokens() {
		return fmt.Errorf("%d values, but the model has %d tokens", len(row), s.d.lex.Tokens())
	}
	return nil
}

// Frames is the number of frames since the start or the last Reset.
func (s *Stream) Frames() int { return int(s.now) }

// Trailing is the number of frames since the last character of the best text was heard; all frames while there is none.
func (s *Stream) Trailing() int {
	v := &s.tree.nodes[s.beam[0].node]
	if v.unit < 0 {
		return int(s.now)
	}
	return int(s.now - v.last - 1)
}

// nodes is the number of prefixes and their ancestors that the search holds.
func (s *Stream) nodes() int { return len(s.tree.nodes) - len(s.tree.free) }

// end adds the end of the utterance to a score.
func (s *Stream) end(state language.State) float64 {
	if s.config.LM == nil {
		return 0
	}
	logp, _ := s.config.LM.Score(state, language.Boundary)
	return s.config.LMWeight * float64(logp)
}
