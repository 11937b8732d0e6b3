package speaker

import (
	"context"
	"fmt"

	"github.com/courtsense/courtsense/pipeline"
)

// Interval is a stretch of sound in seconds.
type Interval struct{ Start, End float64 }

// Span is a stretch in which one person speaks, in seconds.
type Span struct {
	Start, End float64
	Speaker    string // S1, S2, ... in the order in which they are first heard; "" where there is nothing to tell it from
	Overlap    bool   // somebody else speaks at the same time, in a span of their own; this version finds one speaker at a time and never sets it
}

// The windows that a stretch of speech is embedded in: long enough to tell a voice, short enough to tell when it changes.
const (
	windowSamples = 24000 // 1.5 s
	hopSamples    = 4000  // 0.25 s
	hopSeconds    = float64(hopSamples) / Rate
	joined        = 16 // windows of one run of the network
)

// window is one embedded piece of speech; samples count from the beginning of the recording.
type window struct {
	start, end int
	vector     []float32
	timbre     timbre
}

// windows embeds the speech pcm[from:to] piece by piece. Too short, silent or damaged speech gives none.
func (m *Embedder) windows(ctx context.Context, pcm []float32, from, to int) ([]window, error) {
	sound := pcm[from:to]
	if need := int(MinSpeech.Seconds() * Rate); len(sound) < need || !hasVoice(sound) {
		return nil, nil
	}
	s := m.extractor.NewStream()
	rows := append([]float32(nil), s.Push(sound)...)
	rows = append(rows, s.Flush()...)
	bins, shift := m.extractor.Dim(), int(m.extractor.RowShift().Seconds()*Rate)
	frames := len(rows) / bins
	length := min(windowSamples, len(sound))
	per := min(length/shift-2, frames) // whole frames of a window
	var all []window
	for at := 0; ; at += hopSamples {
		last := at+length >= len(sound)
		if last {
			at = len(sound) - length
		}
		all = append(all, window{start: from + at, end: from + at + length})
		if last {
			break
		}
	}
	cepstra := newCepstrogram(rows, m.basis)
	for i := 0; i < len(all); i += joined {
		part := all[i:min(i+joined, len(all))]
		batch := make([]float32, 0, len(part)*per*bins)
		for k, w := range part {
			first := min((w.start-from)/shift, frames-per)
			part[k].timbre = cepstra.of(first, first+per)
			stretch := append([]float32(nil), rows[first*bins:(first+per)*bins]...)
			if m.centred {
				centre(stretch, bins)
			}
			batch = append(batch, stretch...)
		}
		if err := m.runBatch(ctx, batch, per, part); err != nil {
			return nil, err
		}
	}
	kept := all[:0]
	for _, w := range all {
		if w.vector != nil {
			kept = append(kept, w)
		}
	}
	return kept, nil
}

func hasVoice(pcm []float32) bool { return audible(pcm) == nil }

// runBatch embeds windows of so many frames each. A window that the network gives no direction for keeps no vector.
func (m *Embedder) runBatch(ctx context.Context, batch []float32, frames int, into []window) error {
	n, bins := len(into), m.extractor.Dim()
	if !m.batched {
		n = 1
	}
	for i := 0; i < len(into); i += n {
		rows := batch[i*frames*bins : (i+n)*frames*bins]
		out, err := m.x.Run(ctx, pipeline.Tensors{m.input: {Shape: []int64{int64(n), int64(frames), int64(bins)}, Float32: rows}})
		if err != nil {
			return err
		}
		t := out[m.output].Float32
		dim := len(t) / n
		if dim == 0 || dim*n != len(t) || dim > maxVector || m.dim > 0 && dim != m.dim {
			return fmt.Errorf("model %s answered %d values for %d windows, want %d each", m.id, len(t), n, m.dim)
		}
		for k := range n {
			vector := append([]float32(nil), t[k*dim:(k+1)*dim]...)
			if unit(vector) {
				into[i+k].vector = vector
			}
		}
	}
	return nil
}
