package eval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParsePairs(t *testing.T) {
	for name, text := range map[string]string{
		"header":           "left,right,same\na.jpg,b.jpg,1\nc.jpg,d.jpg,0\n",
		"none, CRLF":       "a.jpg,b.jpg,1\r\nc.jpg,d.jpg,0",
		"byte order mark":  "\ufeffLeft,Right,Same\na.jpg,b.jpg,true\nc.jpg,d.jpg,FALSE\n",
		"blanks and lines": "left,right,same\n\na.jpg, b.jpg , 1\n\n\"c.jpg\",d.jpg,0\n\n",
	} {
		got, err := ParsePairs(strings.NewReader(text))
		require.NoError(t, err, name)
		require.Len(t, got, 2, name)
		assert.Equal(t, [3]any{"a.jpg", "b.jpg", true}, [3]any{got[0].Left, got[0].Right, got[0].Same}, name)
		assert.Equal(t, [3]any{"c.jpg", "d.jpg", false}, [3]any{got[1].Left, got[1].Right, got[1].Same}, name)
	}
}

func TestParsePairsNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"left,right,same\na.jpg,b.jpg,1\nc.jpg,d.jpg,maybe\n": `pairs.csv line 3: same is "maybe", want 1 or 0`,
		"a.jpg,b.jpg,1\n\nc.jpg,0\n":                          "pairs.csv line 3: 2 fields, want 3",
		"a.jpg,../b.jpg,1\n":                                  `pairs.csv line 1: "../b.jpg" is not the name of a picture in the folder`,
		"a.jpg,/etc/passwd,1\n":                               "line 1",
		",b.jpg,1\n":                                          `line 1: "" is not`,
		"a.jpg,b.jpg,1\n\"c.jpg,d.jpg,1\n":                    "line 2",
		"":                                                    "pairs.csv names no pair",
		"left,right,same\n":                                   "pairs.csv names no pair",
	} {
		_, err := ParsePairs(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestUnknownPicturesAreNamedWithTheirLines(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, PairsFile), []byte("left,right,same\na.jpg,b.jpg,1\na.jpg,c.jpg,0\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.jpg"), nil, 0o600))
	_, err := loadPairs(dir)
	require.ErrorContains(t, err, "b.jpg (line 2), c.jpg (line 3)")
	_, err = loadPairs(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzParsePairs(f *testing.F) {
	f.Add("left,right,same\na.jpg,b.jpg,1\n")
	f.Add("\"a\n\",b,0")
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := ParsePairs(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range pairs {
			if !filepath.IsLocal(filepath.FromSlash(p.Left)) || !filepath.IsLocal(filepath.FromSlash(p.Right)) {
				t.Fatalf("%+v leads out of the folder", p)
			}
		}
	})
}

func TestSpread(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	assert.Equal(t, []int{0, 3, 6}, spread(all, 3))
	assert.Equal(t, all, spread(all, 0))
	assert.Equal(t, all, spread(all, 11))
}
