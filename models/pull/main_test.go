package pull

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/models"
)

// TestMain doubles as the child process of TestKilledPullResumes.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PULL_TEST_CHILD_STORE"); dir != "" {
		os.Exit(childPull(dir, os.Getenv("PULL_TEST_CHILD_MIRROR"), os.Getenv("PULL_TEST_CHILD_CATALOG")))
	}
	goleak.VerifyTestMain(m)
}

func childPull(dir, mirror, catalog string) int {
	c, err := models.ParseCatalog([]byte(catalog))
	if err != nil {
		return 3
	}
	s, err := models.Open(c, dir)
	if err != nil {
		return 3
	}
	p, err := New(s, Config{Mirror: mirror})
	if err != nil {
		return 3
	}
	if _, err := p.Pull(context.Background()); err != nil {
		return 1
	}
	return 0
}
