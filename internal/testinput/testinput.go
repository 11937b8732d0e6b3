package testinput

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root returns the repository's root folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Testdata returns the path of a committed sample, and fails the test when it is missing.
func Testdata(tb testing.TB, elem ...string) string {
	tb.Helper()
	p := filepath.Join(append([]string{Root(), "testdata"}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		tb.Fatalf("committed sample is missing: %v", err)
	}
	return p
}

// SharedModels returns a folder laid out as the model store and filled with published weights: $COURTSENSE_TEST_MODELS,
// else ../shared/models beside the checkout. The test is skipped when a named file is absent.
func SharedModels(tb testing.TB, need ...string) string {
	tb.Helper()
	return beside(tb, "COURTSENSE_TEST_MODELS", "models", need)
}

// SharedData is [SharedModels] for evaluation data: $COURTSENSE_TEST_DATA, else ../shared/data.
func SharedData(tb testing.TB, need ...string) string {
	tb.Helper()
	return beside(tb, "COURTSENSE_TEST_DATA", "data", need)
}

func beside(tb testing.TB, env, folder string, need []string) string {
	tb.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		dir = filepath.Join(Root(), "..", "shared", folder)
	}
	for _, name := range append([]string{"."}, need...) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			tb.Skipf("needs %s in %s (or set %s)", name, dir, env)
		}
	}
	return dir
}
