package speaker

import (
	"fmt"
	"slices"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Clusterer gives the voices of one stream labels as they come. A label once given stays; memory does not grow with the
// stream, only with the number of people, up to Config.MaxSpeakers. It is not safe for concurrent use.
type Clusterer struct {
	cfg     Config
	voices  []voice
	aliases map[string]string
}

type voice struct {
	label  string
	sum    []float32 // of vectors, weighted by seconds
	centre []float32 // its direction
	heard  float64   // seconds
}

// minNew is the least speech, in seconds, that makes a new speaker: shorter interjections go to whom they resemble.
const minNew = 1.2

// longMemory caps the seconds that a direction stands for, so that it goes with a voice that changes in four hours.
const longMemory = 300

// Assignment is what a [Clusterer] says of one vector.
type Assignment struct {
	Label      string  // S1, S2, ...; "" where it is too short to begin a speaker and nobody is known yet
	New        bool    // this is the first of the label
	Similarity float32 // cosine to the speaker's direction so far; 1 where New
	Margin     float32 // Similarity less that to the next speaker, or to the threshold where there is none; negative: unsure
}

// NewClusterer begins a stream of the embedder's vectors.
func (m *Embedder) NewClusterer(cfg Config) (*Clusterer, error) {
	cfg, err := cfg.check(m)
	if err != nil {
		return nil, err
	}
	if cfg.Speakers > 0 {
		cfg.MaxSpeakers = cfg.Speakers
	}
	return &Clusterer{cfg: cfg, aliases: map[string]string{}}, nil
}

// Add gives a unit vector that stands for so many seconds of speech its label, and learns from it.
func (c *Clusterer) Add(vector []float32, seconds float64) Assignment {
	best, similarity, next := -1, float32(-1), float32(-1)
	for k, v := range c.voices {
		if len(v.centre) != len(vector) {
			continue
		}
		if s := cosine(vector, v.centre); best < 0 || s > similarity {
			best, similarity, next = k, s, similarity
		} else {
			next = max(next, s)
		}
	}
	if len(c.voices) < 2 {
		next = c.cfg.Similarity
	}
	known := best >= 0 && similarity >= c.cfg.Similarity
	switch {
	case !known && seconds >= minNew && len(c.voices) < c.cfg.MaxSpeakers:
		c.voices = append(c.voices, voice{label: label(len(c.voices) + len(c.aliases) + 1)})
		v := &c.voices[len(c.voices)-1]
		v.learn(vector, seconds)
		return Assignment{Label: v.label, New: true, Similarity: 1, Margin: c.cfg.Similarity - similarity}
	case best < 0:
		return Assignment{}
	}
	v := &c.voices[best]
	if known {
		v.learn(vector, seconds)
	}
	return Assignment{Label: v.label, Similarity: similarity, Margin: similarity - next}
}

func (v *voice) learn(vector []float32, seconds float64) {
	if v.sum == nil {
		v.sum = make([]float32, len(vector))
	}
	if v.heard > longMemory {
		keep := float32(longMemory / v.heard)
		for i := range v.sum {
			v.sum[i] *= keep
		}
		v.heard = longMemory
	}
	v.heard += seconds
	for i, x := range vector {
		v.sum[i] += x * float32(seconds)
	}
	if centre := slices.Clone(v.sum); unit(centre) {
		v.centre = centre
	}
}

// Merge makes two labels one: what resembles `from` is called `into` from now on. A clerk says so who hears that S1 and S3
// are the same person.
func (c *Clusterer) Merge(from, into string) error {
	a, b := c.index(c.Label(from)), c.index(c.Label(into))
	for _, missing := range []struct {
		at   int
		name string
	}{{a, from}, {b, into}} {
		if missing.at < 0 {
			e := refusal.New(refusal.InvalidConfig, "no speaker %q was heard, there are %v", missing.name, c.Speakers())
			e.Field = "speaker"
			return e
		}
	}
	if a == b {
		return nil
	}
	c.aliases[c.voices[a].label] = c.voices[b].label
	if len(c.voices[a].sum) == len(c.voices[b].sum) {
		for i, x := range c.voices[a].sum {
			c.voices[b].sum[i] += x
		}
		c.voices[b].heard += c.voices[a].heard
		if centre := slices.Clone(c.voices[b].sum); unit(centre) {
			c.voices[b].centre = centre
		}
	}
	c.voices = slices.Delete(c.voices, a, a+1)
	return nil
}

// Label is what a label that was given earlier is called now, after merges.
func (c *Clusterer) Label(given string) string {
	for {
		into, ok := c.aliases[given]
		if !ok {
			return given
		}
		given = into
	}
}

// Speakers are the labels, in the order in which they were first heard.
func (c *Clusterer) Speakers() []string {
	out := make([]string, len(c.voices))
	for i, v := range c.voices {
		out[i] = v.label
	}
	return out
}

func (c *Clusterer) index(label string) int {
	return slices.IndexFunc(c.voices, func(v voice) bool { return v.label == label })
}

// String describes the speakers for a log, without anything that tells who they are.
func (c *Clusterer) String() string {
	return fmt.Sprintf("%d speakers of at most %d", len(c.voices), c.cfg.MaxSpeakers)
}
