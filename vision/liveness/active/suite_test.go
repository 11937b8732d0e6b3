package active_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/liveness/active/activetest"
)

// scripts reads the suite.
func scripts(t *testing.T) []*activetest.Script {
	t.Helper()
	files, err := filepath.Glob("activetest/testdata/*.script")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var out []*activetest.Script
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		s, err := activetest.Parse(strings.TrimSuffix(filepath.Base(file), ".script"), f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		out = append(out, s)
	}
	return out
}

var numbers = activetest.Settings{Thresholds: activetest.NumberThresholds, Same: 0.5, SameMoving: 0.35}

func TestTheSuiteOnNumbers(t *testing.T) {
	for _, s := range scripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			for seed := range uint64(20) {
				o := numbers
				o.Seed = seed
				played, err := s.Play(activetest.NewNumbers(seed), o)
				require.NoError(t, err)
				assert.Contains(t, s.Expect, played.Outcome.Reason, "%s (seed %d): %+v", s.About, seed, played.Outcome)
				assert.Equal(t, played.Outcome.Reason.Verdict(), played.Outcome.Verdict)
			}
		})
	}
}
