package acoustic

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// counting counts the rows that a network is given.
type counting struct {
	pipeline.Executor
	rows []int
}

func (c *counting) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	for _, t := range in {
		c.rows = append(c.rows, int(t.Shape[0]))
		break
	}
	return c.Executor.Run(ctx, in)
}

func TestPredictAndJoin(t *testing.T) {
	store, ctx := openStore(t), context.Background()
	a, err := store.Resolve("zipformer2")
	require.NoError(t, err)
	tokens, err := a.Bytes(models.RoleTokens)
	require.NoError(t, err)
	all := networks(t, a)
	decoder := &counting{Executor: all[models.RoleDecoder]}
	all[models.RoleDecoder] = decoder
	m, err := New(ctx, a.Entry, all, tokens)
	require.NoError(t, err)
	require.Equal(t, Transducer, m.Kind())
	require.Equal(t, 10, m.Width())
	s := m.Transducer()
	require.Equal(t, 2, s.ContextSize())
	require.Equal(t, []int64{-1, 0}, s.Start())
	require.Nil(t, open(t, store, "ctc").Transducer())

	decoder.rows = nil
	contexts := [][]int64{s.Start(), {3, 4}, {0, 3}, {3, 4}, {4, 3}}
	predicted, err := s.Predict(ctx, contexts)
	require.NoError(t, err)
	require.Equal(t, []int{3}, decoder.rows, "the first one was asked for when the model was made, one is there twice")
	require.Equal(t, predicted[1], predicted[3])
	require.NotEqual(t, predicted[1], predicted[4], "the order counts")
	again, err := s.Predict(ctx, contexts)
	require.NoError(t, err)
	require.Equal(t, predicted, again)
	require.Len(t, decoder.rows, 1, "remembered")

	encoded := read(t, m, sample(t)[12000:20000], whole)[:len(predicted)]
	joined, err := s.Join(ctx, encoded, predicted)
	require.NoError(t, err)
	require.Len(t, joined, len(predicted))
	for i, row := range joined {
		require.Len(t, row, m.Tokens().Len())
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(float64(v))
		}
		require.InDelta(t, 1, sum, 1e-5)
		alone, err := s.Join(ctx, encoded[i:i+1], predicted[i:i+1])
		require.NoError(t, err)
		require.Equal(t, alone[0], row, "the rows of a run do not change each other")
	}
	none, err := s.Join(ctx, nil, nil)
	require.NoError(t, err)
	require.Empty(t, none)

	_, err = s.Predict(ctx, [][]int64{{1, 2, 3}})
	require.ErrorContains(t, err, "context 0 has 3 tokens, the predictor wants 2")
	_, err = s.Join(ctx, encoded, predicted[1:])
	require.ErrorContains(t, err, "5 encoder rows and 4 predictions")
}

// More rows than the catalogue allows in a run go into several.
func TestManyHypotheses(t *testing.T) {
	store, ctx := openStore(t), context.Background()
	e := serve(t, store, nil)
	for _, id := range []string{"zipformer", "zipformer-int8"} {
		s := served(t, e, store, id).Transducer()
		var contexts [][]int64
		for a := range int64(7) {
			for b := range int64(7) {
				contexts = append(contexts, []int64{a, b})
			}
		}
		predicted, err := s.Predict(ctx, contexts)
		require.NoError(t, err)
		encoded := make([][]float32, len(predicted))
		for i := range encoded {
			encoded[i] = make([]float32, 10)
		}
		joined, err := s.Join(ctx, encoded, predicted)
		require.NoError(t, err)
		require.Len(t, joined, 49)
	}
}

func TestPredictionsAreForgottenInTheEnd(t *testing.T) {
	s := &Search{context: 2}
	for i := range int64(3 * maxPredictions) {
		s.remember(key([]int64{i, -1}), []float32{float32(i)})
		require.Equal(t, []float32{0}, s.lookUp(key([]int64{0, -1})), "what is used stays")
	}
	require.LessOrEqual(t, len(s.young)+len(s.old), 2*maxPredictions)
	require.Nil(t, s.lookUp(key([]int64{1, -1})))
}
