package speaker

import (
	"cmp"
	"context"
	"slices"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Stream labels the segments of one channel as they end. A label once given to a segment stays; what is remembered does not
// grow with the stream. It is not safe for concurrent use.
type Stream struct {
	m       *Embedder
	cfg     Config
	heard   []window // with the label that each was given; 0: none
	labels  []int
	next    int         // label
	aliases map[int]int // merged labels and what they are now
}

const (
	remembered = 320 // windows: more than a minute of speech, thinned out where one has said more than others
	minHeard   = 6   // windows: as minVoice; a new speaker has said little when they are first labelled
	minNew     = 1.2 // seconds of a segment that make a new speaker: shorter interjections go to whom they resemble
)

// NewStream begins a channel.
func (m *Embedder) NewStream(cfg Config) (*Stream, error) {
	if cfg.Similarity == 0 {
		cfg.Similarity = m.similarStream
	}
	cfg, err := cfg.check(m)
	if err != nil {
		return nil, err
	}
	if cfg.Speakers > 0 {
		cfg.MaxSpeakers, cfg.Speakers = cfg.Speakers, 0
	}
	return &Stream{m: m, cfg: cfg, next: 1, aliases: map[int]int{}}, nil
}

// Label says who speaks in the sound of one segment, samples of -1..1 at 16 kHz, in spans that cover it; times are
// relative to its first sample. A change of speakers within the segment makes two spans of it. Segments that are too short
// to tell a voice, or silent, give one span with the speaker "".
//
// The method: what was heard lately is clustered anew with the segment, and clusters take over the label that most of their
// older windows have.
func (s *Stream) Label(ctx context.Context, pcm []float32) ([]Span, error) {
	fresh, err := s.m.windows(ctx, pcm, 0, len(pcm))
	if err != nil {
		return nil, err
	}
	return s.tell(fresh, extents([]Interval{{0, float64(len(pcm)) / Rate}}, len(pcm))), nil
}

// tell labels a segment whose windows are embedded.
func (s *Stream) tell(fresh []window, segment []extent) []Span {
	t := newTimeline(segment, fresh)
	if len(fresh) == 0 {
		return t.turns(make([]int, len(t.frames)), func(int) string { return "" })
	}
	old := len(s.heard)
	all := append(slices.Clone(s.heard), fresh...)
	joint := slices.Clone(all)
	join(joint, s.m.timbre)
	speakers := group(joint, s.cfg, minHeard, old)
	path := t.follow(joint[old:], speakers)
	labels := s.name(joint[:old], speakers, path)
	given := make([]int, len(fresh))
	for i, k := range t.majority(len(fresh), path, len(speakers)) {
		given[i] = labels[k]
	}
	s.heard, s.labels = all, append(s.labels, given...)
	s.forget()
	return t.turns(path, func(k int) string {
		if labels[k] == 0 {
			return ""
		}
		return label(labels[k])
	})
}

// name gives each speaker of the clustering a label: that which most of their older windows were given, no label twice; a
// new one to those who speak for long enough in the segment's frames. Those left take the label of the speaker whom they are
// most like.
func (s *Stream) name(older []window, speakers [][]float32, path []int) []int {
	votes := make([]map[int]int, len(speakers))
	for k := range votes {
		votes[k] = map[int]int{}
	}
	for i, w := range older {
		// What resembles none of the speakers belongs to one who is left out this time.
		k := nearest(w.vector, speakers)
		if l := s.label(s.labels[i]); l > 0 && product(w.vector, speakers[k]) >= s.cfg.Similarity {
			votes[k][l]++
		}
	}
	fresh := make([]float64, len(speakers)) // seconds
	for _, k := range path {
		fresh[k] += float64(frameSamples) / Rate
	}
	out, taken := make([]int, len(speakers)), map[int]bool{}
	for range speakers {
		best, bestLabel, most := -1, 0, 0
		for k := range speakers {
			for l, n := range votes[k] {
				if out[k] == 0 && !taken[l] && (n > most || n == most && l < bestLabel) {
					best, bestLabel, most = k, l, n
				}
			}
		}
		if best < 0 {
			break
		}
		out[best], taken[bestLabel] = bestLabel, true
	}
	order := make([]int, len(speakers))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(fresh[b], fresh[a]) })
	for _, k := range order {
		if out[k] == 0 && (fresh[k] >= minNew || len(taken) == 0 && fresh[k] > 0) && s.count(taken) < s.cfg.MaxSpeakers {
			out[k], taken[s.next] = s.next, true
			s.next++
		}
	}
	for k := range out {
		if out[k] > 0 {
			continue
		}
		like := float32(-2)
		for j := range out {
			if c := product(speakers[k], speakers[j]); taken[out[j]] && c > like {
				like, out[k] = c, out[j]
			}
		}
	}
	return out
}

// count is how many labels are in use, those of taken and those that were given before.
func (s *Stream) count(taken map[int]bool) int {
	used := map[int]bool{}
	for l := range taken {
		used[l] = true
	}
	for l := 1; l < s.next; l++ {
		used[s.label(l)] = true
	}
	return len(used)
}

// forget thins out what is remembered: of the label with the most windows the older ones go first, every second.
func (s *Stream) forget() {
	for len(s.heard) > remembered {
		most, counts := 0, map[int]int{}
		for _, l := range s.labels {
			counts[l]++
			if counts[l] > counts[most] {
				most = l
			}
		}
		odd, drop := false, len(s.heard)-remembered
		heard, labels := s.heard[:0], s.labels[:0]
		for i, w := range s.heard {
			if s.labels[i] == most && drop > 0 {
				odd = !odd
				if odd {
					drop--
					continue
				}
			}
			heard, labels = append(heard, w), append(labels, s.labels[i])
		}
		clear(s.heard[len(heard):])
		s.heard, s.labels = heard, labels
	}
}

// Merge makes two labels one: what resembles `from` is called `into` from now on. A clerk says so who hears that S1 and S3
// are the same person.
func (s *Stream) Merge(from, into string) error {
	a, err := s.find(from)
	if err != nil {
		return err
	}
	b, err := s.find(into)
	if err != nil {
		return err
	}
	if a != b {
		s.aliases[a] = b
	}
	return nil
}

func (s *Stream) find(name string) (int, error) {
	for l := 1; l < s.next; l++ {
		if label(l) == name {
			return s.label(l), nil
		}
	}
	e := refusal.New(refusal.InvalidConfig, "no speaker %q was heard, there are %v", name, s.Speakers())
	e.Field = "speaker"
	return 0, e
}

// label is what a label is now, after merges.
func (s *Stream) label(given int) int {
	for {
		into, ok := s.aliases[given]
		if !ok {
			return given
		}
		given = into
	}
}

// Name is what a label that was given earlier is called now, after merges.
func (s *Stream) Name(given string) string {
	if l, err := s.find(given); err == nil {
		return label(l)
	}
	return given
}

// Speakers are the labels in the order in which they were first given, without those that were merged into another.
func (s *Stream) Speakers() []string {
	var out []string
	for l := 1; l < s.next; l++ {
		if s.label(l) == l {
			out = append(out, label(l))
		}
	}
	return out
}

// nearest is the index of the direction that a vector is most like.
func nearest(v []float32, directions [][]float32) int {
	best, like := 0, float32(-2)
	for k, d := range directions {
		if c := product(v, d); c > like {
			best, like = k, c
		}
	}
	return best
}
