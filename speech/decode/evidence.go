package decode

import (
	"math"
	"slices"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/syllable"
)

// unheard is the natural log-probability of a character at a frame where no token sounds like it: what the likeliest tokens leave is shared
// by thousands.
const unheard = -12

// Evidence is what was heard of an utterance, frame by frame, for asking later how well another text fits. It does not change and is safe
// for concurrent use.
type Evidence struct {
	lex    *lexicon.Lexicon
	frames []frame
	scale  float32 // of the frames' logarithms
}

// Evidence returns what was heard so far; nil where frames are not kept: of transducers, without a second pass, and of utterances that are
// longer than it takes.
func (s *Stream) Evidence() *Evidence {
	if len(s.record) == 0 || len(s.record) != int(s.now) || s.d.config.Transducer != nil {
		return nil
	}
	return &Evidence{lex: s.d.lex, frames: slices.Clone(s.record), scale: s.config.AcousticScale}
}

// Fit is the natural log-likelihood that frames from..to say a text and nothing else, by the likeliest of the ways in which its characters
// can lie on them (Viterbi on the topology of CTC; Graves et al.: Connectionist temporal classification, 2006). Characters are taken by their
// toneless sounds, in any of their readings. A text that has more characters than there are frames fits badly, but fits.
func (e *Evidence) Fit(text []rune, from, to int) float64 {
	from, to = max(from, 0), min(to, len(e.frames))
	if from >= to {
		return float64(len(text)) * unheard
	}
	spare := 0.0
	if n := to - from; len(text) > n {
		spare = float64(len(text)-n) * unheard
		text = text[:n]
	}
	// States: 2k is the blank before character k, 2k+1 the character.
	states := 2*len(text) + 1
	score, next := make([]float64, states), make([]float64, states)
	for i := range score {
		score[i] = math.Inf(-1)
	}
	sounds := make([][]syllable.Syllable, len(text))
	for k, r := range text {
		for _, s := range syllable.Of(r) {
			sounds[k] = append(sounds[k], s.Toneless())
		}
	}
	logs := make([]float64, len(text))
	for t := from; t < to; t++ {
		f := &e.frames[t]
		blank := max(float64(f.blank/e.scale), unheard)
		for k := range text {
			logs[k] = e.log(f, text[k], sounds[k])
		}
		for i := range next {
			best := score[i]
			if t == from {
				best = math.Inf(-1)
				if i < 2 {
					best = 0
				}
			} else {
				if i > 0 {
					best = max(best, score[i-1])
				}
				// From one character to the next without a blank, unless they sound the same.
				if i > 2 && i%2 == 1 && !alike(sounds[i/2], sounds[i/2-1]) {
					best = max(best, score[i-2])
				}
			}
			if i%2 == 0 {
				next[i] = best + blank
			} else {
				next[i] = best + logs[i/2]
			}
		}
		score, next = next, score
	}
	best := score[states-1]
	if states > 1 {
		best = max(best, score[states-2])
	}
	return best + spare
}

// log is the natural log-probability of a character at a frame, with all tokens that sound like it.
func (e *Evidence) log(f *frame, r rune, sounds []syllable.Syllable) float64 {
	p := 0.0
	for i := range f.count {
		u := e.lex.UnitOf(int(f.tokens[i]))
		if e.lex.Han(u) == r || alikeReadings(sounds, e.lex.Readings(u)) {
			p += math.Exp(float64(f.logs[i] / e.scale))
		}
	}
	return max(math.Log(p), unheard)
}

func alike(a, b []syllable.Syllable) bool {
	return slices.ContainsFunc(a, func(s syllable.Syllable) bool { return slices.Contains(b, s) })
}

func alikeReadings(a []syllable.Syllable, b lexicon.Readings) bool {
	for _, r := range b {
		if r.Share > 0 && slices.Contains(a, r.Syllable.Toneless()) {
			return true
		}
	}
	return false
}
