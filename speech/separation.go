package speech

import (
	"github.com/courtsense/courtsense/speech/speaker"
)

// Separation says how the speakers of a channel are told apart.
type Separation struct {
	Embedder *speaker.Embedder
	Config   speaker.Config
	Alone    map[int]bool // channels that one person speaks into, in which nobody is looked for
}

// voices returns what labels a channel's segments; nil when nothing does.
func (s *Separation) voices(channel int) (*speaker.Stream, error) {
	if s == nil || s.Alone[channel] {
		return nil, nil
	}
	return s.Embedder.NewStream(s.Config)
}

// bySpeaker parts a final result where its speaker changes; spans cover it and count from its beginning, in seconds. With text a part needs
// words: sound without any goes to the part before it.
func bySpeaker(r Result, spans []speaker.Span, text bool) []Result {
	type part struct {
		speaker.Span
		words []Word
	}
	var parts []part
	left := r.Words
	for i, s := range spans {
		p := part{Span: s}
		p.Start, p.End = p.Start+r.Start, p.End+r.Start
		n := 0
		for n < len(left) && (i == len(spans)-1 || (left[n].Start+left[n].End)/2 < p.End) {
			n++
		}
		p.words, left = left[:n:n], left[n:]
		last := len(parts) - 1
		switch {
		case last >= 0 && (parts[last].Speaker == p.Speaker || text && n == 0 || p.Speaker == ""):
			parts[last].End, parts[last].Overlap = p.End, parts[last].Overlap || p.Overlap
			parts[last].words = append(parts[last].words, p.words...)
		case last >= 0 && (parts[last].Speaker == "" || text && len(parts[last].words) == 0):
			p.Start, p.words, p.Overlap = parts[last].Start, append(parts[last].words, p.words...), parts[last].Overlap || p.Overlap
			parts[last] = p
		default:
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return []Result{r}
	}
	if len(parts) == 1 {
		r.Speaker, r.Overlap = parts[0].Speaker, r.Overlap || parts[0].Overlap
		return []Result{r}
	}
	out := make([]Result, len(parts))
	for i, p := range parts {
		one := r
		one.Speaker, one.Overlap, one.Start, one.End = p.Speaker, r.Overlap || p.Overlap, p.Start, p.End
		one.Words, one.Text, one.Confidence, one.Alternatives = p.words, joined(p.words), 0, nil
		for _, w := range p.words {
			one.Confidence += w.Confidence / float32(len(p.words))
		}
		out[i] = one
	}
	out[0].Start, out[len(out)-1].End = r.Start, r.End
	return out
}
