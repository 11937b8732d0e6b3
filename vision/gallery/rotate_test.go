package gallery_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/gallery"
)

func TestRotate(t *testing.T) {
	path := newFile(t)
	cfg := config(t, path)
	s := open(t, cfg)
	create(t, s, "g")
	create(t, s, "empty")
	rng := rand.New(rand.NewPCG(3, 1))
	const persons = 700
	var wg sync.WaitGroup
	for i := range persons {
		v := unit(rng)
		wg.Go(func() { enrol(t, s, "g", fmt.Sprint("p", i), v) })
	}
	wg.Wait()
	receipt, err := s.Remove(t.Context(), "g", "p0")
	require.NoError(t, err)
	probe := unit(rng)
	want := identify(t, s, "g", probe, 1000)
	require.NoError(t, s.Close())
	before := sealedOf(t, path, "SELECT bytes FROM slots WHERE id NOT IN (SELECT slot FROM free)")

	cfg.Keys = testKeys(t, "two", "one")
	s = open(t, cfg)
	done, err := s.Rotate(t.Context())
	require.NoError(t, err)
	assert.Equal(t, gallery.Rotation{Galleries: 2, Records: 2 * (persons - 1)}, done)
	done, err = s.Rotate(t.Context())
	require.NoError(t, err)
	assert.Equal(t, gallery.Rotation{}, done, "there is nothing left to do")
	assert.Equal(t, want, identify(t, s, "g", probe, 1000))
	enrol(t, s, "g", "late", unit(rng))
	require.NoError(t, s.Close())

	all := bytesOfFile(t, path)
	for _, sealed := range before {
		require.False(t, bytes.Contains(all, sealed[:24]), "nothing under the old key is left")
	}
	cfg.Keys = testKeys(t, "two")
	s = open(t, cfg)
	assert.Len(t, identify(t, s, "g", probe, 1000), persons)
	require.NoError(t, s.Verify(receipt), "receipts outlive keys")
	require.NoError(t, s.Close())
	cfg.Keys = testKeys(t, "one")
	_, err = gallery.Open(t.Context(), cfg)
	require.ErrorIs(t, err, gallery.ErrWrongKey)
}

// stopAfter ends after it was asked so many times whether it has.
type stopAfter struct {
	context.Context
	mu   sync.Mutex
	left int
}

func (c *stopAfter) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestRotateIsResumed stops a rotation at each of its steps, closes the store there and completes it later, while persons
// come and go.
func TestRotateIsResumed(t *testing.T) {
	path := newFile(t)
	cfg := config(t, path)
	s := open(t, cfg)
	create(t, s, "g")
	rng := rand.New(rand.NewPCG(3, 2))
	var wg sync.WaitGroup
	for i := range 600 {
		v := unit(rng)
		wg.Go(func() { enrol(t, s, "g", fmt.Sprint("p", i), v) })
	}
	wg.Wait()
	require.NoError(t, s.Close())
	cfg.Keys = testKeys(t, "two", "one")
	complete := false
	for steps := 1; !complete; steps++ {
		s = open(t, cfg)
		_, err := s.Rotate(&stopAfter{Context: t.Context(), left: steps})
		complete = err == nil
		if !complete {
			require.ErrorIs(t, err, context.Canceled)
		}
		enrol(t, s, "g", fmt.Sprint("new", steps), unit(rng))
		enrol(t, s, "g", fmt.Sprint("p", steps), unit(rng))
		_, err = s.Remove(t.Context(), "g", fmt.Sprint("p", 100+steps))
		require.NoError(t, err)
		require.Len(t, identify(t, s, "g", unit(rng), 1000), 600)
		require.NoError(t, s.Close())
		s = open(t, cfg)
		report, err := s.Check(t.Context(), "g")
		require.NoError(t, err)
		require.Empty(t, report.Damaged, "after %d steps", steps)
		require.Equal(t, 600, report.Persons)
		require.NoError(t, s.Close())
		require.Less(t, steps, 100)
	}
	cfg.Keys = testKeys(t, "two")
	s = open(t, cfg)
	require.Len(t, identify(t, s, "g", unit(rng), 1000), 600)
}
