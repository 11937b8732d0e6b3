//go:build gocv_specific_modules && gocv_videoio

package camera

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"
)

// record writes a video of n frames at 25 fps; the first tenth of its columns is as bright as the frame's number.
func record(t *testing.T, width, height, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "video.avi")
	w, err := gocv.VideoWriterFile(path, "MJPG", 25, width, height, true)
	require.NoError(t, err)
	for i := range n {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(float64(2*i), float64(2*i), float64(2*i), 0), height, width, gocv.MatTypeCV8UC3)
		require.NoError(t, w.Write(m))
		require.NoError(t, m.Close())
	}
	require.NoError(t, w.Close())
	return path
}

func TestAFileIsReadToItsEnd(t *testing.T) {
	path := record(t, 160, 120, 50)
	begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	c := New(Config{Source: Source{Kind: File, Path: path}, Begin: begin})
	var frames []Frame
	require.NoError(t, c.Run(t.Context(), func(at time.Time) bool { return at.Sub(begin)%(120*time.Millisecond) == 0 },
		func(_ context.Context, f Frame) error { frames = append(frames, f); return nil }))
	require.Len(t, frames, 17)
	for i, f := range frames {
		assert.Equal(t, begin.Add(time.Duration(i)*120*time.Millisecond), f.Time)
		assert.InDelta(t, 6*i, f.Image.Pix[0], 4, "skipped frames are not shown in others' place")
	}
	assert.Equal(t, int64(50), c.Stats().Frames)
}

func TestALoopedFileGoesOn(t *testing.T) {
	c := New(Config{Source: Source{Kind: File, Path: record(t, 64, 48, 10), Loop: true}})
	ctx, cancel := context.WithCancel(t.Context())
	var times []time.Time
	err := c.Run(ctx, nil, func(_ context.Context, f Frame) error {
		if times = append(times, f.Time); len(times) == 35 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	for i := 1; i < 35; i++ {
		assert.Equal(t, 40*time.Millisecond, times[i].Sub(times[i-1]), "frame %d", i)
	}
	assert.Equal(t, int64(4), c.Stats().Opened)
}

func TestFilesThatAreNoVideo(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage.mp4")
	require.NoError(t, os.WriteFile(garbage, []byte(strings.Repeat("no video ", 1000)), 0o600))
	whole, err := os.ReadFile(record(t, 160, 120, 20))
	require.NoError(t, err)
	cut := filepath.Join(t.TempDir(), "cut.avi")
	require.NoError(t, os.WriteFile(cut, whole[:len(whole)/8], 0o600))
	for _, path := range []string{garbage, filepath.Join(t.TempDir(), "none.mp4"), t.TempDir()} {
		w := watch(t, quick(Source{Kind: File, Path: path}), func(w *watched) bool { return len(w.states) == 3 })
		assert.Empty(t, w.frames)
		assert.False(t, w.states[2].Live)
	}
	w := watch(t, quick(Source{Kind: File, Path: cut}), func(w *watched) bool { return len(w.states) == 2 })
	assert.Less(t, len(w.frames), 20, "of a file that is cut short, what there is")
	w = watch(t, quick(Source{Kind: Device, Device: 987}), func(w *watched) bool { return len(w.states) == 1 })
	assert.Contains(t, w.states[0].Reason, "opened")
}

// relay is a small RTSP server: what one client publishes the others may read.
type relay struct {
	server    *gortsplib.Server
	mu        sync.Mutex
	stream    *gortsplib.ServerStream
	published chan struct{}
	closing   sync.Once
}

// startRelay starts a relay that the test's end closes, however it ends, unless the test does so before.
func startRelay(t *testing.T, address string) *relay {
	t.Helper()
	r := &relay{published: make(chan struct{}, 1)}
	r.server = &gortsplib.Server{Handler: r, RTSPAddress: address}
	require.NoError(t, r.server.Start())
	t.Cleanup(r.close)
	return r
}

func (r *relay) close() {
	r.closing.Do(func() {
		if s := r.current(); s != nil {
			s.Close()
		}
		r.server.Close()
	})
}

func (r *relay) current() *gortsplib.ServerStream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream
}

func (r *relay) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = &gortsplib.ServerStream{Server: r.server, Desc: ctx.Description}
	return &base.Response{StatusCode: base.StatusOK}, r.stream.Initialize()
}

func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if s := r.current(); s != nil {
		return &base.Response{StatusCode: base.StatusOK}, s, nil
	}
	return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
}

func (r *relay) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.current(), nil
}

func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	stream := r.current()
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		_ = stream.WritePacketRTP(m, p) // a reader that went away is no concern of the publisher's
	})
	r.published <- struct{}{}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// publish has ffmpeg send a test picture to the relay until stop is called.
func (r *relay) publish(t *testing.T, url, size string) (stop func()) {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("needs ffmpeg")
	}
	cmd := exec.Command(ffmpeg, "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=rate=25:size="+size,
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p", "-f", "rtsp", "-rtsp_transport", "tcp", url)
	require.NoError(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	select {
	case <-r.published:
	case <-time.After(long):
		t.Fatal("ffmpeg does not publish")
	}
	return stop
}

// TestRTSP reads a real server, which is killed in mid-stream and comes back with a picture of another size.
func TestRTSP(t *testing.T) {
	if testing.Short() {
		t.Skip("starts ffmpeg and a server twice")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	url := "rtsp://" + address + "/door"

	server := startRelay(t, address)
	stop := server.publish(t, url, "320x240")
	s, err := ParseSource(url)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*long)
	defer cancel()
	var mu sync.Mutex
	sizes, states := map[int]int{}, []State{}
	seen, lost := make(chan int, 1000), make(chan State, 1000)
	c := New(Config{Source: s, Silence: long, FirstRetry: 50 * time.Millisecond, LongestRetry: 500 * time.Millisecond, State: func(s State) {
		mu.Lock()
		defer mu.Unlock()
		if states = append(states, s); !s.Live {
			lost <- s
		}
	}})
	ended := make(chan error, 1)
	go func() {
		ended <- c.Run(ctx, nil, func(_ context.Context, f Frame) error {
			mu.Lock()
			defer mu.Unlock()
			if sizes[f.Image.Width]++; sizes[f.Image.Width] == 10 {
				seen <- f.Image.Width
			}
			return nil
		})
	}()
	await := func(width int) {
		select {
		case got := <-seen:
			require.Equal(t, width, got)
		case <-ctx.Done():
			t.Fatal("no pictures")
		}
	}
	await(320)
	stop()
	server.close()
	require.Contains(t, (<-lost).Reason, "no further picture")

	server = startRelay(t, address)
	stop = server.publish(t, url, "640x360")
	await(640)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	stop()
	assert.GreaterOrEqual(t, c.Stats().Opened, int64(2))
	assert.True(t, states[0].Live)
	assert.True(t, states[len(states)-1].Live)
}
