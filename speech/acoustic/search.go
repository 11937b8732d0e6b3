package acoustic

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/courtsense/courtsense/pipeline"
)

// Search holds the two small networks of a transducer that its decoder asks: the predictor, which is given the last
// tokens, and the joiner, which weighs the next one. It is safe for concurrent use.
type Search struct {
	predictor, joiner network
	blank             int64
	contextInput      string
	contextOutput     string
	encoderInput      string
	predictorInput    string
	logits            string
	context           int // tokens that the predictor is given
	width             int // of a prediction
	classes           int

	mu         sync.Mutex
	young, old map[string][]float32 // predictions by their tokens: two generations bound them
}

// maxPredictions is how many predictions a generation keeps; there are as many contexts as pairs of tokens.
const maxPredictions = 4096

// Start is the context before the first token: no tokens, and blank as the last one, as sherpa-onnx begins.
func (s *Search) Start() []int64 {
	start := make([]int64, s.context)
	for i := range start {
		start[i] = -1
	}
	start[len(start)-1] = s.blank
	return start
}

// ContextSize is the number of last tokens that a prediction depends on.
func (s *Search) ContextSize() int { return s.context }

// Predict returns the predictor's row for each context, ContextSize tokens each; the first one is [Search.Start].
// The rows are shared: they must not be changed.
func (s *Search) Predict(ctx context.Context, contexts [][]int64) ([][]float32, error) {
	out := make([][]float32, len(contexts))
	var missing []int64
	var first []int            // index of the context that each missing row belongs to
	wanted := map[string]int{} // key to row among the missing ones
	keys := make([]string, len(contexts))
	s.mu.Lock()
	for i, c := range contexts {
		if len(c) != s.context {
			s.mu.Unlock()
			return nil, fmt.Errorf("context %d has %d tokens, the predictor wants %d", i, len(c), s.context)
		}
		keys[i] = key(c)
		if out[i] = s.lookUp(keys[i]); out[i] == nil {
			if _, ok := wanted[keys[i]]; !ok {
				wanted[keys[i]] = len(first)
				first = append(first, i)
				missing = append(missing, c...)
			}
		}
	}
	s.mu.Unlock()
	if len(first) == 0 {
		return out, nil
	}
	var rows [][]float32
	err := s.predictor.portions(len(first), func(from, to int) error {
		t := pipeline.Tensor{Shape: []int64{int64(to - from), int64(s.context)}, Int64: missing[from*s.context : to*s.context]}
		if s.predictor.single(from, to) {
			t.Shape[0], t.Int64 = 2, append(slices.Clone(t.Int64), t.Int64...)
		}
		out, err := s.predictor.x.Run(ctx, pipeline.Tensors{s.contextInput: t})
		if err != nil {
			return err
		}
		cut, err := cutRows(out[s.contextOutput], s.contextOutput, to-from, s.width)
		rows = append(rows, cut...)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range out {
		if out[i] == nil {
			out[i] = rows[wanted[keys[i]]]
			s.remember(keys[i], out[i])
		}
	}
	return out, nil
}

// Join returns, for each pair of an encoder's row and a prediction, the natural logarithms of the tokens' probabilities.
func (s *Search) Join(ctx context.Context, encoded, predicted [][]float32) ([][]float32, error) {
	if len(encoded) != len(predicted) {
		return nil, fmt.Errorf("%d encoder rows and %d predictions can't be joined", len(encoded), len(predicted))
	}
	rows := make([][]float32, 0, len(encoded))
	err := s.joiner.portions(len(encoded), func(from, to int) error {
		e, p := encoded[from:to], predicted[from:to]
		if s.joiner.single(from, to) {
			e, p = [][]float32{e[0], e[0]}, [][]float32{p[0], p[0]}
		}
		out, err := s.joiner.x.Run(ctx, pipeline.Tensors{s.encoderInput: stack(e), s.predictorInput: stack(p)})
		if err != nil {
			return err
		}
		cut, err := cutRows(out[s.logits], s.logits, to-from, s.classes)
		rows = append(rows, cut...)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		logSoftmax(row)
	}
	return rows, nil
}

func stack(rows [][]float32) pipeline.Tensor {
	t := pipeline.Tensor{Shape: []int64{int64(len(rows)), int64(len(rows[0]))}}
	t.Float32 = make([]float32, 0, len(rows)*len(rows[0]))
	for _, row := range rows {
		t.Float32 = append(t.Float32, row...)
	}
	return t
}

// cutRows returns the first rows of t, which has one more where a single one was doubled.
func cutRows(t pipeline.Tensor, name string, rows, width int) ([][]float32, error) {
	if len(t.Shape) == 2 && width == 0 {
		width = int(t.Shape[1])
	}
	if t.Float32 == nil || len(t.Shape) != 2 || t.Shape[0] != int64(rows) && t.Shape[0] != 2 || t.Shape[1] != int64(width) {
		return nil, fmt.Errorf("output %q has shape %v and type %v, want %d rows of %d float32", name, t.Shape, t.DType(), rows, width)
	}
	out := make([][]float32, rows)
	for i := range out {
		out[i] = t.Float32[i*width : (i+1)*width : (i+1)*width]
	}
	return out, nil
}

func key(tokens []int64) string {
	b := make([]byte, 0, 4*len(tokens))
	for _, t := range tokens {
		b = append(b, byte(t), byte(t>>8), byte(t>>16), byte(t>>24))
	}
	return string(b)
}

// lookUp and remember are called with mu held.
func (s *Search) lookUp(key string) []float32 {
	if row, ok := s.young[key]; ok {
		return row
	}
	row, ok := s.old[key]
	if ok {
		s.remember(key, row)
	}
	return row
}

func (s *Search) remember(key string, row []float32) {
	if s.young == nil || len(s.young) >= maxPredictions {
		s.young, s.old = map[string][]float32{}, s.young
	}
	s.young[key] = row
}
