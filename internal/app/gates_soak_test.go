//go:build gocv_specific_modules && gocv_videoio

package app_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/scene"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/face"
)

// film writes a video of a person who comes once, and returns its length.
func film(t testing.TB, path string, width, height int) time.Duration {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "faces", "astronaut.jpg"))
	require.NoError(t, err)
	head := scene.NewHead(decoded(t, content), face.Box{X: 177, Y: 72, W: 93, H: 128})
	s := scene.New(width, height, 1)
	w, h := float64(width), float64(height)
	s.Walkers = []scene.Walker{{Head: head, Spots: []scene.Spot{{At: time.Second, X: 0.2 * w, Y: 0.42 * h, Width: 0.2 * h}, {At: 6 * time.Second, X: 0.7 * w, Y: 0.42 * h, Width: 0.33 * h}}}}
	const frames = 12 * 25
	v, err := camera.NewVideo(path, 25, width, height)
	require.NoError(t, err)
	for i := range frames {
		require.NoError(t, v.Write(s.Frame(time.Duration(i)*40*time.Millisecond)))
	}
	require.NoError(t, v.Close())
	return frames * 40 * time.Millisecond
}

// atTheFilm has a gate look at a film over and over, and returns its app with the gates started.
func atTheFilm(t testing.TB, source string) (*app.App, pb.FaceServiceClient) {
	t.Helper()
	dir := t.TempDir()
	cfg := conf.Default()
	cfg.Models.Dir = t.TempDir()
	cfg.Galleries.KeyFile, cfg.Galleries.Path = filepath.Join(dir, "key"), filepath.Join(dir, "galleries.db")
	require.NoError(t, os.WriteFile(cfg.Galleries.KeyFile, []byte("k:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))), 0o600))
	cfg.Gate.Cameras, cfg.Gate.Policy = []string{"door=" + source}, filepath.Join(dir, "gates.yaml")
	policy := "zones: {hall: {entry: [door], galleries: [staff], liveness: false, revisit: 1s, rules: [{name: staff, admit: true}]}}"
	require.NoError(t, os.WriteFile(cfg.Gate.Policy, []byte(policy), 0o600))
	a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Faces, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	session, err := a.InProcess()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	client := pb.NewFaceServiceClient(session.Conn())
	_, err = client.CreateGallery(t.Context(), &pb.CreateGalleryRequest{Purpose: "test", GalleryId: "staff"})
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "faces", "astronaut.jpg"))
	require.NoError(t, err)
	_, err = client.Enrol(t.Context(), &pb.EnrolRequest{
		Purpose: "test", Gallery: "galleries/staff", PersonId: "eileen", Image: &pb.Image{Content: content}, Profile: pb.QualityProfile_QUALITY_PROFILE_GATE,
	})
	require.NoError(t, err)
	require.NoError(t, a.StartGates(t.Context()))
	return a, client
}

// TestAGateThatLooksForHours loops a film as fast as it can be read, with our own models: each time it is seen, there is one
// event, and neither memory nor files grow. COURTSENSE_SOAK is how much video is seen, such as 8h; the default is one minute.
func TestAGateThatLooksForHours(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at a minute of video")
	}
	length := time.Minute
	if text := os.Getenv("COURTSENSE_SOAK"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	path := filepath.Join(t.TempDir(), "film.avi")
	once := film(t, path, 320, 240)
	a, client := atTheFilm(t, "file:"+path+"?loop")
	stream, err := client.Watch(t.Context(), &pb.WatchRequest{Purpose: "soak", AfterEvent: "gateEvents/0"})
	require.NoError(t, err)
	want := int(length / once)
	var first time.Time
	var before usage
	for n := range want {
		e := next(t, stream)
		require.Equal(t, pb.GateEventType_GATE_EVENT_TYPE_ADMITTED, e.GetType(), "event %d: %v", n, e)
		require.Equal(t, "galleries/staff/persons/eileen", e.GetPerson())
		if n == 0 {
			first = e.GetEventTime().AsTime()
		}
		at := e.GetEventTime().AsTime().Sub(first)
		require.InDelta(t, float64(n), at.Seconds()/once.Seconds(), 0.1, "one event each time that she comes, at the same moment of the film")
		if n == want/4 {
			before = measure(t)
		}
	}
	after := measure(t)
	stats := a.Gates().Cameras()["door"]
	t.Logf("%.2f h of video, %d frames, %d events; resident %d -> %d MB, %d -> %d goroutines, %d -> %d files", float64(stats.Frames)/25/3600, stats.Frames, want,
		before.residentMB, after.residentMB, before.goroutines, after.goroutines, before.files, after.files)
	assert.LessOrEqual(t, after.residentMB, before.residentMB+40)
	assert.LessOrEqual(t, after.files, before.files+2)
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before.goroutines+5 }, long, 10*time.Millisecond)
	assert.Zero(t, stats.Bad)
}

// BenchmarkGateOf720p is what one camera of 1280x720 pixels at 25 frames a second costs: decoding, every third frame looked at,
// identification and the journal. cpu-s/s is CPU seconds of the whole process a second of video; below 2 it keeps up on two cores.
func BenchmarkGateOf720p(b *testing.B) {
	path := filepath.Join(b.TempDir(), "film.avi")
	film(b, path, 1280, 720)
	for b.Loop() {
		a, _ := atTheFilm(b, "file:"+path)
		var before, after syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
		<-a.Gates().Done()
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
		used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
		b.ReportMetric(used.Seconds()/(float64(a.Gates().Cameras()["door"].Frames)/25), "cpu-s/s")
	}
}
