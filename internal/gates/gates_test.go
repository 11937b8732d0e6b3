package gates

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/gate/journal"
	"github.com/courtsense/courtsense/vision/liveness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is for waits that correct code never lets run out.
const long = time.Minute

// blind sees nobody, or fails.
type blind struct {
	looked atomic.Int64
	panics bool
}

func (b *blind) Detect(context.Context, *imaging.Raster) ([]face.Detection, error) {
	if b.looked.Add(1); b.panics {
		panic("a mistake")
	}
	return nil, nil
}

func (b *blind) Look(context.Context, *imaging.Raster, []face.Detection, int, []string) (gate.Look, error) {
	return gate.Look{}, nil
}

func (b *blind) Live(context.Context, []liveness.Frame) (liveness.Result, error) {
	return liveness.Result{}, nil
}

func (b *blind) Models() []gate.Model { return nil }

func config(t *testing.T) Config {
	t.Helper()
	keys, err := gallery.NewKeyring("k", map[string][]byte{"k": bytes.Repeat([]byte{1}, 32)})
	require.NoError(t, err)
	return Config{
		Journal: journal.Config{Path: filepath.Join(t.TempDir(), "gates.db"), Keys: keys}, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
	}
}

// started are gates without cameras, whose events tests post themselves.
func started(t *testing.T, cfg Config) *Gates {
	t.Helper()
	g, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	require.NoError(t, g.Start(t.Context(), &blind{}, gate.TrackerConfig{}))
	require.Error(t, g.Start(t.Context(), &blind{}, gate.TrackerConfig{}), "once")
	return g
}

func post(g *Gates, n int) {
	at := time.Unix(1772352000, 0).Add(time.Duration(n) * time.Second)
	g.recorder.post(entry{events: []gate.Event{{
		Type: gate.Admitted, Camera: "door", Zone: "hall", Direction: gate.Entry, Passage: fmt.Sprint(n), Start: at, Time: at,
		Person: gate.PersonRef{Gallery: "staff", ID: "li-na"}, Crop: imaging.NewRaster(8, 8),
	}}, endings: []gate.Ending{{Passage: fmt.Sprint(n), Last: at.Add(time.Second)}}})
}

// postTold posts events n to end-1 while it follows them, and returns when all were told. It is never further ahead of what was
// told than half of what may wait for a follower: a slow disk delays it, and no follower falls behind for it.
func postTold(ctx context.Context, t *testing.T, g *Gates, n, end int, told func(*Item)) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, pending := n, 0
	err := g.Follow(ctx, OnlyNew, time.Millisecond, func(i *Item) error {
		if i != nil {
			passage, err := strconv.Atoi(i.Passage)
			if err != nil || passage < first {
				return err // from before
			}
			told(i)
			pending--
		}
		for ; n < end && pending < waitingItems/2; n++ {
			post(g, n)
			pending++
		}
		if pending == 0 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, pending, "all are told")
}

func TestFollowersGetEveryEventOnceAndInOrder(t *testing.T) {
	g := started(t, config(t))
	const before, events = 300, 400
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	postTold(ctx, t, g, 0, before, func(*Item) {})
	var got []int64
	crops := 0
	err := g.Follow(ctx, 0, long, func(i *Item) error {
		got = append(got, i.Seq)
		if len(i.Crop) > 0 && i.Seq <= before {
			crops++
		}
		if i.Record.Crop != nil {
			return errors.New("the raster is not kept")
		}
		if n := len(got); before-(events-before) < n && n <= before {
			post(g, n+events-before-1) // while it follows
		}
		if len(got) == events {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, got, events)
	for i, seq := range got {
		require.Equal(t, int64(i+1), seq)
	}
	assert.Equal(t, recentCrops, crops, "crops of the last events are there")
	// Only new ones, with a sign of life meanwhile.
	ctx, cancel = context.WithTimeout(t.Context(), long)
	defer cancel()
	beats := 0
	err = g.Follow(ctx, OnlyNew, time.Millisecond, func(i *Item) error {
		if i == nil {
			if beats++; beats == 2 {
				post(g, events)
			}
			return nil
		}
		assert.Equal(t, int64(events+1), i.Seq)
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.GreaterOrEqual(t, beats, 2)
}

func TestAFollowerThatSleepsHoldsNobodyUp(t *testing.T) {
	g := started(t, config(t))
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	asleep, awake, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var sleep sync.Once
	go func() {
		ended <- g.Follow(ctx, 0, long, func(*Item) error {
			sleep.Do(func() {
				close(asleep)
				<-awake
			})
			return nil
		})
	}()
	wake := sync.OnceFunc(func() { close(awake) })
	defer wake()
	post(g, 0)
	<-asleep
	// Everything else is told while it sleeps.
	others := 0
	postTold(ctx, t, g, 1, 2*waitingItems, func(*Item) { others++ })
	assert.Equal(t, 2*waitingItems-1, others)
	wake()
	require.ErrorIs(t, <-ended, ErrBehind)
}

func TestWhatCanNotBeWrittenIsToldAllTheSame(t *testing.T) {
	cfg := config(t)
	cfg.Journal.FileBytes = 256 << 10
	g := started(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	const events = 600 // more than the file holds
	last := int64(0)
	postTold(ctx, t, g, 0, events, func(i *Item) {
		last++
		require.Equal(t, last, i.Seq)
	})
	assert.Equal(t, int64(events), last)
	j, err := g.Journal(t.Context())
	require.NoError(t, err)
	kept, err := j.After(t.Context(), 0, events)
	require.NoError(t, err)
	assert.Less(t, len(kept), events)
	assert.NotEmpty(t, kept)
}

func TestFollowersAreToldTheEnd(t *testing.T) {
	g, err := New(config(t))
	require.NoError(t, err)
	require.NoError(t, g.Start(t.Context(), &blind{}, gate.TrackerConfig{}))
	post(g, 0)
	post(g, 1)
	n, followed := 0, make(chan error, 1)
	first := make(chan struct{})
	go func() {
		followed <- g.Follow(t.Context(), 0, long, func(*Item) error {
			if n++; n == 1 {
				close(first)
			}
			return nil
		})
	}()
	<-first
	require.NoError(t, g.Close())
	require.NoError(t, g.Close())
	require.ErrorIs(t, <-followed, ErrClosed)
	assert.Equal(t, 2, n, "what was seen is told before")
	require.ErrorIs(t, g.Follow(t.Context(), OnlyNew, long, nil), ErrClosed)
	_, err = g.Journal(t.Context())
	require.ErrorIs(t, err, journal.ErrClosed)
}

func TestCamerasAndPoliciesThatDoNotFit(t *testing.T) {
	cfg := config(t)
	cfg.Cameras = []camera.Config{{Name: "door"}, {Name: "door"}}
	_, err := New(cfg)
	require.ErrorContains(t, err, "two cameras")
	path := filepath.Join(t.TempDir(), "gates.yaml")
	require.NoError(t, os.WriteFile(path, []byte("zones: {a: {entry: [window], galleries: [g]}}"), 0o600))
	cfg.Cameras = cfg.Cameras[:1]
	cfg.Policy, err = gate.OpenPolicy(path)
	require.NoError(t, err)
	_, err = New(cfg)
	require.ErrorContains(t, err, `names camera "window"`)
}

func TestACameraThatCanNotBeOpenedIsToldOnce(t *testing.T) {
	cfg := config(t)
	cfg.Cameras = []camera.Config{{
		Name: "door", Source: camera.Source{Kind: camera.MJPEG, URL: "http://127.0.0.1:1/"}, FirstRetry: time.Millisecond, LongestRetry: time.Millisecond,
	}}
	healthy := map[bool]int{}
	cfg.Health = func(_ string, live bool) { healthy[live]++ }
	g := started(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	lost := 0
	err := g.Follow(ctx, 0, 50*time.Millisecond, func(i *Item) error {
		if i != nil {
			require.Equal(t, gate.CameraLost, i.Type)
			lost++
		} else if lost > 0 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, lost)
	g.Drain()
	assert.Zero(t, healthy[true])
	families, err := cfg.Registry.Gather()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, name := range []string{"courtsense_camera_up", "courtsense_camera_opened_total", "courtsense_gate_events_total", "courtsense_gate_followers"} {
		assert.True(t, names[name], name)
	}
}
