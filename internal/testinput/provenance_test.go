package testinput_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
)

const maxTotal = 3 << 20 // bytes: a clone must stay small

// Every sample has a line in PROVENANCE.md, every line a sample, and all together they stay small.
func TestEverySampleHasAProvenance(t *testing.T) {
	dir := filepath.Join(testinput.Root(), "testdata")
	text, err := os.ReadFile(filepath.Join(dir, "PROVENANCE.md"))
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:documents|faces|speech)/[^`]+)`").FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = true
	}

	var total int64
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(path) == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if !listed[name] {
			t.Errorf("testdata/%s is not in PROVENANCE.md", name)
		}
		delete(listed, name)
		return nil
	}))
	for name := range listed {
		t.Errorf("PROVENANCE.md lists testdata/%s, which does not exist", name)
	}
	require.LessOrEqual(t, total, int64(maxTotal))
}

// Each page and recording has its truth beside it.
func TestEverySampleHasItsTruth(t *testing.T) {
	for _, folder := range []string{"documents", "speech"} {
		files, err := os.ReadDir(testinput.Testdata(t, folder))
		require.NoError(t, err)
		for _, f := range files {
			name := f.Name()
			truth := strings.TrimSuffix(name, filepath.Ext(name)) + ".txt"
			testinput.Testdata(t, folder, truth)
		}
	}
}
