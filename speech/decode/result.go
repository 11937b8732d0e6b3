package decode

import (
	"strings"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
)

// Character is a Han character, or a run of Latin letters, of a text.
type Character struct {
	// Text is NFC.
	Text string
	// Start and End are frames since the start of the utterance; End is the one after the last.
	Start, End int
	// Confidence is the probability that the text is right, 0 to 1.
	Confidence float32
	// Hotword is the phrase that the character is part of, as it was given; empty when none.
	Hotword string
	// Spaced says that a blank parts it from the one before.
	Spaced bool
}

// Hypothesis is a text that may have been said.
type Hypothesis struct {
	Characters []Character
	// Score is what the search ranks by: natural logarithms of the acoustics, the language model and the hot words, weighted.
	Score float32
	// Acoustic and Language are the natural log-probabilities of the acoustic and the language model alone.
	Acoustic, Language float32
	// Confidence is the mean of the characters'; 0 without any.
	Confidence float32
}

// Text is the characters together.
func (h *Hypothesis) Text() string {
	var b strings.Builder
	for i := range h.Characters {
		if h.Characters[i].Spaced {
			b.WriteByte(' ')
		}
		b.WriteString(h.Characters[i].Text)
	}
	return b.String()
}

// Hypotheses are the best n texts of what was pushed so far, the best first; at least one, which may be empty. All begin with what
// is settled.
func (s *Stream) Hypotheses(n int) []Hypothesis {
	return s.hypotheses(n, func(p *prefix) float64 { return p.score })
}

func (s *Stream) hypotheses(n int, score func(*prefix) float64) []Hypothesis {
	order := rank(s.beam, score)
	weights := s.weigh(nil)
	var out []Hypothesis
	seen := map[string]bool{}
	var path []int32
	for _, i := range order {
		if len(out) == max(n, 1) {
			break
		}
		p := &s.beam[i]
		path = s.tree.path(p.node, path[:0])
		pieces := s.pieces(path, weights)
		h := Hypothesis{
			Characters: s.d.characters(pieces), Score: float32(score(p)),
			Acoustic: float32(logAdd(p.blank, p.label)), Language: float32(p.lm),
		}
		if len(order) > 1 && n > 1 {
			// The same text may be spelt by different tokens.
			text := h.Text()
			if seen[text] {
				continue
			}
			seen[text] = true
		}
		for k := range h.Characters {
			h.Confidence += h.Characters[k].Confidence / float32(len(h.Characters))
		}
		out = append(out, h)
	}
	return out
}

// pieces are what is settled and the units of a path behind it.
func (s *Stream) pieces(path []int32, weights []float64) []piece {
	all := append(make([]piece, 0, len(s.settled)+len(path)), s.settled...)
	from := s.settledEnd
	for k, n := range path {
		v := &s.tree.nodes[n]
		next := s.now
		if k+1 < len(path) {
			next = s.tree.nodes[path[k+1]].start
		}
		p := piece{unit: v.unit, confidence: v.confidence, hot: v.hot, hotLength: v.hotLength}
		p.start, p.end = s.span(v, from, next)
		from = p.end
		if p.confidence < 0 {
			p.confidence = s.confidence(v, weights)
		}
		all = append(all, p)
	}
	if len(s.must) == 0 {
		return all
	}
	// What the first pass settled keeps its times and confidences.
	fixed := append(make([]piece, 0, len(all)), s.stable...)
	from = 0
	if len(fixed) > 0 {
		from = fixed[len(fixed)-1].end
	}
	for _, p := range all[len(s.must):] {
		p.start = max(p.start, from)
		p.end = max(p.end, p.start+1)
		from = p.end
		fixed = append(fixed, p)
	}
	return fixed
}

// rank orders a beam by a score, the best first.
func rank(beam []prefix, score func(*prefix) float64) []int {
	order := make([]int, len(beam))
	for i := range order {
		order[i] = i
		for j := i; j > 0 && score(&beam[order[j]]) > score(&beam[order[j-1]]); j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	return order
}

// Stable is the number of characters at the beginning of [Stream.Hypotheses] whose text, times and confidence never change
// again. Only their Hotword can still come, when a phrase goes on behind them.
func (s *Stream) Stable() int {
	all := s.d.characters(s.settled)
	if n := len(s.settled); n > 0 && s.d.lex.Han(s.settled[n-1].unit) == 0 && len(all) > 0 {
		return len(all) - 1 // more letters may follow
	}
	return len(all)
}

// Take returns the stable characters and forgets them, so that a stream without an end needs no more memory than a short one.
// Hypotheses and Stable begin behind them; frames go on being counted from the start of the utterance.
func (s *Stream) Take() []Character {
	all := s.d.characters(s.settled)
	n := s.Stable()
	if n == 0 {
		return nil
	}
	keep := len(s.settled)
	if n < len(all) {
		for keep > 0 && s.settled[keep-1].start >= int32(all[n].Start) {
			keep--
		}
	}
	s.settled = append(s.settled[:0], s.settled[keep:]...)
	return all[:n]
}

// characters puts units together: Latin pieces to words, bytes to characters, and the names of hot words to what they cover.
func (d *Decoder) characters(pieces []piece) []Character {
	out := make([]Character, 0, len(pieces))
	owner := make([]int, 0, len(pieces)) // the character of each rune
	var pending []byte
	latin := false // the last character is a word that may go on
	for _, v := range pieces {
		text := d.lex.Text(v.unit)
		if len(pending) > 0 || !utf8.ValidString(text) {
			pending = append(pending, text...)
			text, pending = whole(pending)
			if text == "" {
				continue
			}
		}
		first := true
		for _, r := range text {
			letter := lexicon.Letter(r)
			starts := first && d.lex.WordStart(v.unit)
			if letter && latin && !starts {
				c := &out[len(out)-1]
				c.Text += string(r)
				c.End = int(v.end)
				c.Confidence = min(c.Confidence, v.confidence)
			} else {
				out = append(out, Character{Text: string(r), Start: int(v.start), End: int(v.end), Confidence: v.confidence, Spaced: letter && latin})
			}
			owner = append(owner, len(out)-1)
			latin, first = letter, false
		}
		if v.hotLength > 0 {
			for _, c := range owner[max(0, len(owner)-int(v.hotLength)):] {
				out[c].Hotword = v.hot
				out[c].Text = spelling(out[c].Text, v.hot)
			}
		}
	}
	return out
}

// whole cuts complete characters off bytes; what belongs to none is left out.
func whole(b []byte) (string, []byte) {
	var out []byte
	for len(b) > 0 && utf8.FullRune(b) {
		r, n := utf8.DecodeRune(b)
		if r != utf8.RuneError {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return string(out), b
}

// spelling is a word in the case that a phrase has it in.
func spelling(word, phrase string) string {
	if r, _ := utf8.DecodeRuneInString(word); !lexicon.Letter(r) {
		return word
	}
	for at := range phrase {
		if end := at + len(word); end <= len(phrase) && strings.EqualFold(phrase[at:end], word) {
			return phrase[at:end]
		}
	}
	return word
}
