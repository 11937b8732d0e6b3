package eval_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/eval"
)

func TestRecitalsAreComparedWithThePrintedArticle(t *testing.T) {
	dir := t.TempDir()
	article := "海上连续刮风超过15日的，可以解除合同。"
	heard := map[string]eval.Recited{
		"exact": {
			Text: article, Spoken: "海上连续挂风超过十五日的可以解除合同",
			Provisions: []eval.Provision{{Law: "虚构法", Number: "第三条"}},
		},
		"named":   {Text: "根据虚构法第三条海上连续刮风超过15日的，\n可以解除合同。", Spoken: "根据虚构法第三条海上连续刮风超过十五日的\n可以解除合同"},
		"harmed":  {Text: "海上连续刮风超过15日的，不得解除合同。", Spoken: "海上连续刮风超过十五日的可以解除合同"},
		"figures": {Text: "海上连续挂风超过15日的可以解除合同", Spoken: "海上连续挂风超过十五日的可以解除合同"},
	}
	for name := range heard {
		named := "false"
		if name == "named" {
			named = "true"
		}
		for suffix, content := range map[string]string{".wav": "", ".txt": article + "\n", ".json": `{"law": "虚构法", "number": "第三条", "named": ` + named + `}`} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name+suffix), []byte(content), 0o600))
		}
	}
	r, err := eval.Recital{Run: eval.Run{Jobs: 1}, Hear: func(_ context.Context, path string) (eval.Recited, error) {
		return heard[strings.TrimSuffix(filepath.Base(path), ".wav")], nil
	}}.Folder(context.Background(), dir)
	require.NoError(t, err)
	assert.Equal(t, 4, r.All.Read)
	assert.InDelta(t, .5, r.All.Exact.Value, 1e-9)
	assert.Equal(t, 1, r.All.Found)
	assert.Equal(t, 1, r.All.Harmed, "figures are no harm")
	assert.Equal(t, 1, r.Named.Read)
	assert.InDelta(t, 0, r.Named.WrittenCER, 1e-9)
	assert.Greater(t, r.Bare.WrittenCER, 0.)
	assert.Greater(t, r.Bare.CER, 0.)
	require.Len(t, r.Wrong, 2)
	var b bytes.Buffer
	require.NoError(t, r.WriteText(&b))
	assert.Contains(t, b.String(), "1 with more errors than before")
}
