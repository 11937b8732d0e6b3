package acoustic

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// A folder with a file missing, files of another model, networks that are not for streaming: each is told by name.
func TestFoldersThatDoNotFit(t *testing.T) {
	store, ctx := openStore(t), context.Background()
	require.NoError(t, os.Remove(filepath.Join(store.Dir(), "zipformer", "joiner-epoch-1-avg-1.onnx")))
	store, err := models.Open(nil, store.Dir())
	require.NoError(t, err)
	_, err = store.Resolve("zipformer")
	require.ErrorIs(t, err, models.ErrUnavailable)
	require.ErrorContains(t, err, "zipformer/joiner.onnx missing")

	a, err := store.Resolve("zipformer2")
	require.NoError(t, err)
	tokens, err := a.Bytes(models.RoleTokens)
	require.NoError(t, err)
	full := networks(t, a)
	with := func(change func(Networks)) Networks {
		n := Networks{}
		for role, x := range full {
			n[role] = x
		}
		change(n)
		return n
	}
	metadata := func(change func(map[string]string)) Networks {
		return with(func(n Networks) {
			d := pipeline.Description{Metadata: map[string]string{}}
			for k, v := range pipeline.Describe(n[models.RoleEncoder]).Metadata {
				d.Metadata[k] = v
			}
			change(d.Metadata)
			n[models.RoleEncoder] = described{n[models.RoleEncoder], d}
		})
	}
	entry := func(change func(*models.Entry)) models.Entry {
		e := a.Entry
		e.Parameters = models.Parameters{}
		change(&e)
		return e
	}
	for _, tc := range []struct {
		want     string
		entry    models.Entry
		networks Networks
		tokens   string
	}{
		{"needs a network in the role joiner", a.Entry, with(func(n Networks) { delete(n, models.RoleJoiner) }), string(tokens)},
		{`encoder: input "y" is int64 of [-1 2]`, a.Entry, with(func(n Networks) { n[models.RoleEncoder] = n[models.RoleDecoder] }), string(tokens)},
		{"decoder: the network has 15 inputs", a.Entry, with(func(n Networks) { n[models.RoleDecoder] = n[models.RoleEncoder] }), string(tokens)},
		{"joiner: the network has 1 inputs and 1 outputs, want 2 and 1", a.Entry, with(func(n Networks) { n[models.RoleJoiner] = n[models.RoleDecoder] }), string(tokens)},
		{"has no decode_chunk_len: it is not made for streaming", a.Entry, metadata(func(m map[string]string) { delete(m, "decode_chunk_len") }), string(tokens)},
		{"the metadata has no T", a.Entry, metadata(func(m map[string]string) { delete(m, "T") }), string(tokens)},
		{`T = "many", want a number within 1..4096`, a.Entry, metadata(func(m map[string]string) { m["T"] = "many" }), string(tokens)},
		{`decode_chunk_len = "46", want a number within 1..45`, a.Entry, metadata(func(m map[string]string) { m["decode_chunk_len"] = "46" }), string(tokens)},
		{"x: shape is [1 44 80], the model wants [-1 45 80]", a.Entry, metadata(func(m map[string]string) { m["T"] = "44" }), string(tokens)},
		{`asks for "whisper" features`, a.Entry, metadata(func(m map[string]string) { m["feature"] = "whisper" }), string(tokens)},
		{"the network has 17 classes, the table of tokens 2", a.Entry, full, "<blk> 0\na 1\n"},
		{"the network has 17 classes, the table of tokens 18", a.Entry, full, string(tokens) + "x 17\n"},
		{"tokens: the table is empty", a.Entry, full, ""},
		{`family "yunet" is not one of`, entry(func(e *models.Entry) { e.Family = models.FamilyYuNet }), full, string(tokens)},
		{"sample rate is 8000 Hz", entry(func(e *models.Entry) { e.Parameters["sample_rate"] = 8000 }), full, string(tokens)},
		{"reads rows of 80 values, the entry describes 40 x 1", entry(func(e *models.Entry) { e.Parameters["mel_bins"] = 40 }), full, string(tokens)},
		{"the catalogue's blank is class 3", entry(func(e *models.Entry) { e.Parameters["blank"] = 3 }), full, string(tokens)},
		{"needs a network in the role model", entry(func(e *models.Entry) { e.Family = models.FamilyCTCStream }), full, string(tokens)},
	} {
		_, err := New(ctx, tc.entry, tc.networks, []byte(tc.tokens))
		require.ErrorContains(t, err, tc.want)
		require.ErrorContains(t, err, "speech recognition model zipformer2: ")
	}
	_, err = New(ctx, a.Entry, full, []byte(string(tokens)+"#0 17\n#1 18\n"))
	require.NoError(t, err, "symbols of the training's graphs may follow the classes")

	e, err := store.Catalog().Entry(embedded)
	require.NoError(t, err)
	a, err = store.Resolve(embedded)
	require.NoError(t, err)
	tokens, err = a.Bytes(models.RoleTokens)
	require.NoError(t, err)
	full = networks(t, a)
	e.Parameters = models.Parameters{"lfr_stack": 5, "lfr_skip": 3, "mel_bins": 80, "chunk": 0}
	_, err = New(ctx, e, full, tokens)
	require.ErrorContains(t, err, "parameter chunk is 0 and look_ahead 0")
	e.Parameters = models.Parameters{"lfr_stack": 4, "lfr_skip": 3, "mel_bins": 80}
	_, err = New(ctx, e, full, tokens)
	require.ErrorContains(t, err, "reads rows of 400 values, the entry describes 80 x 4")
}

// What an export calls its states is told by the names, wherever the batch axis lies; without such an axis nothing is joined.
func TestComplete(t *testing.T) {
	f := func(name string, shape ...int64) pipeline.TensorInfo {
		return pipeline.TensorInfo{Name: name, DType: pipeline.Float32, Shape: shape}
	}
	sig := pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{f("x", -1, 45, 80), f("h", 2, -1, 8), f("c", -1, 8)},
		Outputs: []pipeline.TensorInfo{f("encoder_out", -1, 8, 10), f("next_h", 2, -1, 8), f("c_out", -1, 8)},
	}
	e := models.Entry{Family: models.FamilyTransducerStream}
	got, err := Complete(e, models.RoleEncoder, sig, pipeline.Description{})
	require.NoError(t, err)
	require.Equal(t, []string{"", "next_h", "c_out"}, []string{got.Inputs[0].Next, got.Inputs[1].Next, got.Inputs[2].Next})
	require.Equal(t, []int{0, 1, 0}, []int{got.Inputs[0].BatchAxis, got.Inputs[1].BatchAxis, got.Inputs[2].BatchAxis})
	require.Equal(t, []int{0, 1, 0}, []int{got.Outputs[0].BatchAxis, got.Outputs[1].BatchAxis, got.Outputs[2].BatchAxis})
	require.True(t, got.Batch.Dynamic)

	for name, alone := range map[string]func() (models.Entry, error){
		"the catalogue says so": func() (models.Entry, error) {
			e := e
			e.Batch.Max = 1
			return Complete(e, models.RoleEncoder, sig, pipeline.Description{})
		},
		"neighbours would change the result": func() (models.Entry, error) {
			return Complete(e, models.RoleEncoder, sig, pipeline.Description{BatchDependent: true})
		},
		"a batch of one": func() (models.Entry, error) {
			fixed := sig
			fixed.Inputs = append([]pipeline.TensorInfo{f("x", 1, 45, 80)}, sig.Inputs[1:]...)
			return Complete(e, models.RoleEncoder, fixed, pipeline.Description{})
		},
	} {
		got, err := alone()
		require.NoError(t, err)
		require.Equal(t, models.BatchSpec{Max: 1}, got.Batch, name)
		for _, in := range got.Inputs {
			require.Equal(t, -1, in.BatchAxis, name)
		}
	}
	other := models.Entry{Family: models.FamilyYuNet}
	got, err = Complete(other, models.RoleModel, sig, pipeline.Description{})
	require.NoError(t, err)
	require.Equal(t, other, got)
	_, err = Complete(e, models.RoleEncoder, pipeline.Signature{}, pipeline.Description{})
	require.ErrorContains(t, err, "the encoder has 0 inputs and 0 outputs")
}
