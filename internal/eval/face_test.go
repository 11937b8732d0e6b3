package eval

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
)

// oneFace finds one face of 64x64 px in the middle of any 128x128 picture whose first pixel is not black.
type oneFace struct{}

func (oneFace) Close() error { return nil }

func (oneFace) Signature() pipeline.Signature {
	sig := pipeline.Signature{Inputs: []pipeline.TensorInfo{{Name: "input", DType: pipeline.Float32, Shape: []int64{-1, 3, -1, -1}}}}
	for _, name := range []string{"cls_8", "obj_8", "bbox_8", "kps_8"} {
		sig.Outputs = append(sig.Outputs, pipeline.TensorInfo{Name: name, DType: pipeline.Float32, Shape: []int64{-1, -1, -1}})
	}
	return sig
}

func (oneFace) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	x := in["input"]
	columns, rows := int(x.Shape[3])/8, int(x.Shape[2])/8
	n := columns * rows
	out := pipeline.Tensors{}
	for name, per := range map[string]int{"cls_8": 1, "obj_8": 1, "bbox_8": 4, "kps_8": 10} {
		out[name] = pipeline.Tensor{Shape: []int64{1, int64(n), int64(per)}, Float32: make([]float32, n*per)}
	}
	if x.Float32[0] == 0 {
		return out, nil
	}
	i := 8*columns + 8
	out["cls_8"].Float32[i], out["obj_8"].Float32[i] = 1, 1
	out["bbox_8"].Float32[4*i+2], out["bbox_8"].Float32[4*i+3] = float32(math.Log(8)), float32(math.Log(8))
	copy(out["kps_8"].Float32[10*i:], []float32{-2, -2, 2, -2, 0, 0, -1.5, 2, 1.5, 2})
	return out, nil
}

// colours embeds a face as the colour in its middle, around grey.
type colours struct{}

func (colours) Close() error { return nil }

func (colours) Signature() pipeline.Signature {
	return pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "in", DType: pipeline.Float32, Shape: []int64{1, 3, 112, 112}}},
		Outputs: []pipeline.TensorInfo{{Name: "out", DType: pipeline.Float32, Shape: []int64{1, 3}}},
	}
}

func (colours) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	v := make([]float32, 3)
	for c := range v {
		v[c] = in["in"].Float32[c*112*112+60*112+56] - 128
	}
	return pipeline.Tensors{"out": {Shape: []int64{1, 3}, Float32: v}}, nil
}

func colour(t *testing.T, b, g, r byte) string {
	t.Helper()
	p := imaging.NewRaster(128, 128)
	for i := 0; i < len(p.Pix); i += 3 {
		p.Pix[i], p.Pix[i+1], p.Pix[i+2] = b, g, r
	}
	png, err := codec.EncodePNG(p)
	require.NoError(t, err)
	return string(png)
}

func TestFaceCountsEverything(t *testing.T) {
	dir := folder(t, map[string]any{
		"red1.png": colour(t, 50, 50, 250), "red2.png": colour(t, 60, 55, 255), "blue.png": colour(t, 255, 90, 20),
		"black.png": colour(t, 0, 0, 0), "broken.jpg": "not a picture",
		PairsFile: "left,right,same\nred1.png,red2.png,1\nred1.png,blue.png,0\nred1.png,black.png,1\nbroken.jpg,blue.png,0\n",
	})
	detector, err := face.NewDetector(oneFace{}, models.Entry{ID: "one", Family: models.FamilyYuNet, Parameters: models.Parameters{"strides": []any{8}}})
	require.NoError(t, err)
	embedder, err := face.NewEmbedder(colours{}, models.Entry{ID: "colours", Family: models.FamilyEmbedding})
	require.NoError(t, err)
	var raw bytes.Buffer
	f := Face{Run: Run{Raw: &raw}, Detector: detector, Embedder: embedder, Reference: detector, Images: imaging.DefaultLimits()}
	r, err := f.Folder(t.Context(), dir)
	require.NoError(t, err)

	assert.Equal(t, 4, r.Pairs.Pairs)
	assert.Equal(t, 2, r.Pairs.Genuine)
	assert.Equal(t, 2, r.Pairs.Failed)
	assert.Equal(t, 0.5, r.Pairs.At[0].FNMR.Value, "one of two genuine pairs has no face on one side")
	assert.Nil(t, r.Pairs.Accuracy)
	require.Len(t, r.Failures, 2)
	assert.Equal(t, Problem{"black.png", "no face was found"}, r.Failures[0])
	assert.Equal(t, "broken.jpg", r.Failures[1].File)
	assert.Equal(t, 5, r.Detection.Pictures)
	assert.InDelta(t, 0.6, r.Detection.MainFace.Value, 1e-12)
	assert.InDelta(t, 0.6, r.Detection.MeanFaces, 1e-12)
	assert.InDelta(t, 0.8, r.Detection.Agreement.Value, 1e-12, "also that there is no face")

	lines := strings.Split(strings.TrimSpace(raw.String()), "\n")
	require.Len(t, lines, 4)
	var first, third map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &first))
	require.NoError(t, json.Unmarshal([]byte(lines[2]), &third))
	assert.Equal(t, "red1.png", first["left"])
	assert.Equal(t, "red2.png", first["right"])
	assert.Greater(t, first["similarity"], 0.99)
	assert.Contains(t, third, "similarity")
	assert.Nil(t, third["similarity"])
	assert.Equal(t, "black.png: no face was found", third["error"])

	records, err := ReadPairs(&raw)
	require.NoError(t, err)
	assert.Equal(t, r.Pairs, ScorePairs(records).Pairs)

	r.Detection.Reference = &Model{ID: "one"}
	var printed bytes.Buffer
	require.NoError(t, r.WriteText(&printed))
	for _, want := range []string{"4: 2 genuine, 2 impostor", "2, counted as errors", "black.png", "main face as one", "80.00 %"} {
		assert.Contains(t, printed.String(), want)
	}
}

// published assembles the measurement of the public weights, and skips where these or the runtime are absent.
func published(t *testing.T) Face {
	t.Helper()
	store, err := models.Open(nil, testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx"))
	require.NoError(t, err)
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(t, err)
	engine, err := pipeline.NewEngine(pipeline.EngineConfig{Store: store, Backend: backend, Device: "cpu", IntraThreads: 1, Instances: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	load := func(id string) *pipeline.Model {
		require.NoError(t, engine.Load(t.Context(), id))
		m, err := engine.Model(id)
		require.NoError(t, err)
		return m
	}
	f := Face{Images: imaging.DefaultLimits()}
	m := load("face-detect-yunet-n")
	f.Detector, err = face.NewDetector(m, m.Entry())
	require.NoError(t, err)
	m = load("face-embedding-mobilefacenet")
	f.Embedder, err = face.NewEmbedder(m, m.Entry())
	require.NoError(t, err)
	return f
}

// unpackPairs unpacks n pairs of a tar archive of pictures and their list, spread over the whole list.
func unpackPairs(t *testing.T, archive string, n int) string {
	t.Helper()
	dir := t.TempDir()
	each := func(take func(name string, r io.Reader) error) {
		f, err := os.Open(archive)
		require.NoError(t, err)
		defer f.Close()
		in := tar.NewReader(f)
		for {
			h, err := in.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			require.NoError(t, err)
			require.NoError(t, take(filepath.Base(h.Name), in))
		}
	}
	var pairs []Pair
	each(func(name string, r io.Reader) (err error) {
		if name == PairsFile {
			pairs, err = ParsePairs(r)
		}
		return err
	})
	list, wanted := "", map[string]bool{}
	for _, p := range spread(pairs, n) {
		wanted[p.Left], wanted[p.Right] = true, true
		list += fmt.Sprintf("%s,%s,%t\n", p.Left, p.Right, p.Same)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, PairsFile), []byte(list), 0o600))
	each(func(name string, r io.Reader) error {
		if !wanted[name] {
			return nil
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), b, 0o600)
	})
	return dir
}

// The floor of comparing: 100 pairs of LFW folds 7-8 with the public weights, as measured (docs/accuracy.md).
func TestPublicWeightsTellPeopleApart(t *testing.T) {
	f := published(t)
	archive := filepath.Join(testinput.SharedData(t, "faces/lfw-dev.tar"), "faces/lfw-dev.tar")
	dir := unpackPairs(t, archive, 100)
	var raw bytes.Buffer
	f.Raw = &raw
	r, err := f.Folder(t.Context(), dir)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	t.Log("\n" + text.String())
	assert.Empty(t, r.Failures)
	require.NotNil(t, r.Pairs.Accuracy)
	assert.GreaterOrEqual(t, r.Pairs.Accuracy.Value, 0.95)
	assert.GreaterOrEqual(t, r.Pairs.AUC.Value, 0.99)
	assert.GreaterOrEqual(t, r.Detection.MainFace.Value, 0.99)

	records, err := ReadPairs(&raw)
	require.NoError(t, err)
	assert.Equal(t, r.Pairs, ScorePairs(records).Pairs)
}
