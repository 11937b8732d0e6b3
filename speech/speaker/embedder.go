package speaker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech/fbank"
)

// Rate is the sample rate that embedders take, in Hz.
const Rate = 16000

// MinSpeech is the least sound that a voice is told from: below it an embedding says more about the word than about who
// said it.
const MinSpeech = 400 * time.Millisecond

const (
	piece     = 10 * Rate // samples that the network sees in one run; longer sound is the mean of its pieces
	maxSound  = 60 * Rate // samples of one call that are looked at
	quietest  = 1e-4      // RMS of full scale, -80 dB: below it there is no voice
	loudest   = 1e4       // samples beyond are no sound, only garbage
	maxVector = 4096
)

// The reasons for which sound has no embedding.
var (
	// ErrTooShort is sound shorter than [MinSpeech].
	ErrTooShort = errors.New("too short to tell a voice")
	// ErrNoVoice is silence, or samples that are no numbers.
	ErrNoVoice = errors.New("no voice in it")
)

// Embedder is a speaker embedding network of the family fbank-embedding. It is safe for concurrent use.
type Embedder struct {
	x             pipeline.Executor
	id            string
	input, output string
	dim           int
	extractor     *fbank.Extractor
	centred       bool        // features: their mean over time taken off
	batched       bool        // the network takes several stretches at once
	basis         [][]float64 // of cepstra
	timbre        float64     // share of the timbres in the similarity of windows
	similar       float32     // from which groups of windows of a recording count as one speaker
	similarStream float32     // the same of a stream, of which less is known
}

// New makes an embedder that runs x, a model of the family fbank-embedding as described by e: filterbanks
// [batch, frames, bins] in, one vector [batch, D] out, under whatever names. Parameters of the entry are those of
// the features: sample_rate, bins, window (hamming, povey), low_hz, scale (32768 where it was trained on 16-bit numbers, 1
// where on -1..1) and normalise (mean: taken off over the stretch; none); and timbre, the share that the recording's own long-term
// spectrum has beside the voice when speakers are clustered, 0..1. x stays the caller's.
func New(x pipeline.Executor, e models.Entry) (*Embedder, error) {
	m, err := newEmbedder(x, e)
	if err != nil {
		return nil, fmt.Errorf("speaker embedding model %s: %w", e.ID, err)
	}
	return m, nil
}

func newEmbedder(x pipeline.Executor, e models.Entry) (*Embedder, error) {
	if e.Family != models.FamilyFbankEmbedding {
		return nil, fmt.Errorf("family %q is not %s", e.Family, models.FamilyFbankEmbedding)
	}
	p := e.Parameters
	if rate := p.Int("sample_rate", Rate); rate != Rate {
		return nil, fmt.Errorf("sample_rate is %d, %d is supported", rate, Rate)
	}
	c := fbank.Default()
	c.Window = fbank.Window(p.String("window", string(fbank.Hamming)))
	c.Bins, c.LowHz, c.HighHz, c.Scale = p.Int("bins", 80), p.Float("low_hz", 20), p.Float("high_hz", 0), p.Float("scale", 32768)
	extractor, err := fbank.New(c)
	if err != nil {
		return nil, err
	}
	m := &Embedder{
		x: x, id: e.ID, extractor: extractor, basis: cosines(extractor.Dim()),
		timbre: p.Float("timbre", .3),
	}
	similar := e.Threshold("similarity", .25)
	m.similar, m.similarStream = float32(similar), float32(e.Threshold("stream_similarity", similar))
	if !(m.timbre >= 0 && m.timbre <= 1) {
		return nil, fmt.Errorf("timbre is %v, not within 0..1", m.timbre)
	}
	switch n := p.String("normalise", "mean"); n {
	case "mean":
		m.centred = true
	case "none":
	default:
		return nil, fmt.Errorf("normalise is %q, want mean or none", n)
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Outputs) != 1 {
		return nil, fmt.Errorf("the network has %d inputs and %d outputs, want one of each", len(sig.Inputs), len(sig.Outputs))
	}
	in, out := sig.Inputs[0], sig.Outputs[0]
	if len(in.Shape) != 3 || in.DType != pipeline.Float32 || in.Shape[1] >= 0 || in.Shape[2] >= 0 && in.Shape[2] != int64(c.Bins) {
		return nil, fmt.Errorf("input %q is %v of %v, want [batch, any number of frames, %d] of float32", in.Name, in.Shape, in.DType, c.Bins)
	}
	if len(out.Shape) != 2 || out.DType != pipeline.Float32 {
		return nil, fmt.Errorf("output %q is %v of %v, want [batch, values] of float32", out.Name, out.Shape, out.DType)
	}
	m.batched = in.Shape[0] < 0 && e.Batch.Max != 1
	m.input, m.output, m.dim = in.Name, out.Name, int(max(out.Shape[1], 0))
	if m.dim > maxVector {
		return nil, fmt.Errorf("output %q has %d values, at most %d are supported", out.Name, m.dim, maxVector)
	}
	return m, nil
}

// Name is the catalogue id of the model.
func (m *Embedder) Name() string { return m.id }

// Embed returns the voice in the sound, samples of -1..1 at 16 kHz, as a vector of unit length. Sound with pauses is
// better given without them. Of more than a minute the first minute counts. It fails with [ErrTooShort] or
// [ErrNoVoice] where there is nothing to tell a voice from.
func (m *Embedder) Embed(ctx context.Context, pcm []float32) ([]float32, error) {
	if need := int(MinSpeech * Rate / time.Second); len(pcm) < need {
		return nil, fmt.Errorf("%.2f s of sound, at least %v is needed: %w", float64(len(pcm))/Rate, MinSpeech, ErrTooShort)
	}
	pcm = pcm[:min(len(pcm), maxSound)]
	if err := audible(pcm); err != nil {
		return nil, err
	}
	var sum []float32
	count := (len(pcm) + piece - 1) / piece // equal pieces, so that none is too short
	for i := range count {
		part := pcm[i*len(pcm)/count : (i+1)*len(pcm)/count]
		vector, err := m.run(ctx, m.features(part))
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]float32, len(vector))
		}
		for k, v := range vector {
			sum[k] += v
		}
	}
	if !unit(sum) {
		return nil, fmt.Errorf("the network answered no direction: %w", ErrNoVoice)
	}
	return sum, nil
}

// audible looks for what is no sound.
func audible(pcm []float32) error {
	power := 0.
	for i, v := range pcm {
		if !(math.Abs(float64(v)) <= loudest) {
			return fmt.Errorf("sample %d is %v: %w", i, v, ErrNoVoice)
		}
		power += float64(v) * float64(v)
	}
	if rms := math.Sqrt(power / float64(len(pcm))); rms < quietest {
		return fmt.Errorf("the level is %.0f dB of full scale, at least -80 is needed: %w", 20*math.Log10(rms+1e-12), ErrNoVoice)
	}
	return nil
}

// features are the filterbanks of the sound, [frames][bins] in one slice.
func (m *Embedder) features(pcm []float32) []float32 {
	s := m.extractor.NewStream()
	rows := append([]float32(nil), s.Push(pcm)...)
	rows = append(rows, s.Flush()...)
	if m.centred {
		centre(rows, m.extractor.Dim())
	}
	return rows
}

// centre takes the mean over time off each filter.
func centre(rows []float32, bins int) {
	mean := make([]float64, bins)
	for i, v := range rows {
		mean[i%bins] += float64(v)
	}
	n := float64(len(rows) / bins)
	for i := range rows {
		rows[i] -= float32(mean[i%bins] / n)
	}
}

// run embeds one stretch of features; the vector has unit length.
func (m *Embedder) run(ctx context.Context, rows []float32) ([]float32, error) {
	one := make([]window, 1)
	if err := m.runBatch(ctx, rows, len(rows)/m.extractor.Dim(), one); err != nil {
		return nil, err
	}
	if one[0].vector == nil {
		return nil, fmt.Errorf("the network answered no direction: %w", ErrNoVoice)
	}
	return one[0].vector, nil
}

// unit brings a vector to unit length and reports whether that could be done.
func unit(v []float32) bool {
	n := 0.
	for _, x := range v {
		n += float64(x) * float64(x)
	}
	if !(n > 1e-20) || math.IsInf(n, 0) {
		return false
	}
	scale := float32(1 / math.Sqrt(n))
	for i := range v {
		v[i] *= scale
	}
	return true
}

// product of two vectors of one length; of unit vectors, the cosine.
func product(a, b []float32) float32 {
	sum := float32(0)
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
