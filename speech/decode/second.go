package decode

import (
	"context"
	"fmt"
	"slices"
)

// Finish ends the utterance and returns the best n texts, the best first: of the second pass where there is one, with what is
// stable unchanged. Hot words that have begun and not ended count no more. Frames can't be pushed until [Stream.Reset].
func (s *Stream) Finish(ctx context.Context, n int) ([]Hypothesis, error) {
	final := s
	if s.config.Second.Beam > 0 && len(s.record) == int(s.now) && s.now > 0 && s.d.config.Transducer == nil {
		if second := s.secondPass(); second != nil {
			final = second
		}
	}
	second := s.config.Second
	wanted := max(n, 1)
	if second.Rescorer != nil {
		wanted = max(wanted, second.Rescored)
	}
	hypotheses := final.hypotheses(wanted, func(p *prefix) float64 { return p.score - float64(p.partial+p.relief) + s.end(p.state) })
	if second.Rescorer != nil && len(hypotheses) > 1 {
		if err := rescore(ctx, hypotheses, second); err != nil {
			return nil, err
		}
	}
	return hypotheses[:min(len(hypotheses), max(n, 1))], nil
}

// secondPass decodes the recorded frames with the beam of the second pass; nil when it doesn't reach what is stable.
func (s *Stream) secondPass() *Stream {
	config := s.config
	config.Beam, config.TopTokens = s.config.Second.Beam, maxTopTokens
	config.StableAfter = int(s.now) + 1
	second := &Stream{d: s.d, config: config, must: s.units, stable: s.settled}
	second.Reset()
	b := s.d.bench()
	defer s.d.putBack(b)
	changes := s.changes
	for i := range s.record {
		for len(changes) > 0 && changes[0].at == int32(i) {
			second.SetHotwords(changes[0].graph)
			changes = changes[1:]
		}
		second.stepCTC(b, &s.record[i])
		second.now++
		if second.now%settleEvery == 0 {
			second.settle(b)
		}
	}
	second.beam = slices.DeleteFunc(second.beam, func(p prefix) bool { return int(p.depth) < len(s.units) })
	if len(second.beam) == 0 {
		return nil
	}
	return second
}

func rescore(ctx context.Context, hypotheses []Hypothesis, second Second) error {
	texts := make([]string, len(hypotheses))
	for i := range hypotheses {
		texts[i] = hypotheses[i].Text()
	}
	scores, err := second.Rescorer.Rescore(ctx, texts)
	if err != nil {
		return fmt.Errorf("decode: weigh %d texts: %w", len(texts), err)
	}
	if len(scores) != len(texts) {
		return fmt.Errorf("decode: %d scores of %d texts", len(scores), len(texts))
	}
	for i := range hypotheses {
		hypotheses[i].Score += float32(second.RescoreWeight) * scores[i]
	}
	slices.SortStableFunc(hypotheses, func(a, b Hypothesis) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return nil
}
