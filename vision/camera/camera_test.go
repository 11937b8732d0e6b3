package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is for waits that correct code never lets run out.
const long = time.Minute

func TestSources(t *testing.T) {
	for text, want := range map[string]Source{
		"rtsp://li:secret@10.0.0.7:554/stream1?x=1": {Kind: RTSP, URL: "rtsp://li:secret@10.0.0.7:554/stream1?x=1"},
		"http://cam/video.mjpg":                     {Kind: MJPEG, URL: "http://cam/video.mjpg"},
		"https://cam/video":                         {Kind: MJPEG, URL: "https://cam/video"},
		"device:2":                                  {Kind: Device, Device: 2},
		"/dev/video1":                               {Kind: Device, Device: 1},
		"file:/srv/a.mp4":                           {Kind: File, Path: "/srv/a.mp4"},
		"file:a b.mp4?loop&realtime":                {Kind: File, Path: "a b.mp4", Loop: true, Realtime: true},
	} {
		got, err := ParseSource(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got)
	}
	rtsp, err := ParseSource("rtsp://li:secret@10.0.0.7:554/stream1?token=secret")
	require.NoError(t, err)
	assert.Equal(t, "rtsp://10.0.0.7:554/stream1", rtsp.String())
	for _, text := range []string{"", "cam", "device:x", "device:-1", "file:", "file:a?fast", "ftp://cam/x", "rtsp://", "http:cam", "rtsp://li:secret@\x00/"} {
		_, err := ParseSource(text)
		if assert.Error(t, err, text) {
			assert.NotContains(t, err.Error(), "secret")
		}
	}
}

func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil))
	return b.Bytes()
}

// stream is a camera that sends what a script says.
type stream struct {
	http.ResponseWriter
	n int // connection, from 0
}

func (s stream) part(content []byte) {
	fmt.Fprintf(s, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(content), content)
	s.ResponseWriter.(http.Flusher).Flush()
}

func serve(t *testing.T, script func(s stream, r *http.Request)) Source {
	t.Helper()
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		at := n
		n++
		mu.Unlock()
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=--frame")
		script(stream{w, at}, r)
	}))
	t.Cleanup(server.Close)
	s, err := ParseSource(server.URL + "/video")
	require.NoError(t, err)
	return s
}

// watched runs a camera until done says so, and returns what it told.
type watched struct {
	frames []Frame
	states []State
	stats  Stats
	err    error
}

func watch(t *testing.T, cfg Config, done func(w *watched) bool) *watched {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	w := &watched{}
	cfg.State = func(s State) {
		w.states = append(w.states, s)
		if done(w) {
			cancel()
		}
	}
	c := New(cfg)
	w.err = c.Run(ctx, nil, func(_ context.Context, f Frame) error {
		w.frames = append(w.frames, f)
		if done(w) {
			cancel()
		}
		return nil
	})
	w.stats = c.Stats()
	require.NotErrorIs(t, w.err, context.DeadlineExceeded)
	return w
}

// quick retries at once, so that tests need not wait.
func quick(s Source) Config {
	return Config{Name: "door", Source: s, Silence: long, FirstRetry: time.Millisecond, LongestRetry: 5 * time.Millisecond}
}

// silence is for tests that wait it out: as long as no camera of theirs that sends is ever silent for, however busy the machine is.
const silence = 2 * time.Second

func untilGone(r *http.Request) { <-r.Context().Done() }

func TestMJPEGGarbageAndOtherSizes(t *testing.T) {
	small, large := picture(t, 64, 48), picture(t, 128, 96)
	s := serve(t, func(s stream, r *http.Request) {
		s.part(small)
		for _, bad := range [][]byte{nil, []byte("not a picture"), small[:len(small)/2], []byte("\x89PNG\r\n\x1a\n")} {
			s.part(bad)
		}
		s.part(large)
		untilGone(r)
	})
	sizes := map[int]bool{}
	w := watch(t, quick(s), func(w *watched) bool {
		for _, f := range w.frames {
			sizes[f.Image.Width] = true
		}
		return sizes[128]
	})
	assert.GreaterOrEqual(t, w.stats.Bad, int64(4))
	assert.Equal(t, 128, w.stats.Width)
	require.ErrorIs(t, w.err, context.Canceled)
	assert.True(t, w.states[0].Live)
}

func TestACameraThatOnlySendsGarbageIsLost(t *testing.T) {
	s := serve(t, func(s stream, r *http.Request) {
		for r.Context().Err() == nil {
			s.part([]byte("garbage"))
		}
	})
	cfg := quick(s)
	cfg.Silence = silence
	w := watch(t, cfg, func(w *watched) bool { return len(w.states) == 2 })
	assert.False(t, w.states[0].Live)
	assert.Contains(t, w.states[0].Reason, "can be read")
	assert.Empty(t, w.frames)
}

func TestALostCameraIsOpenedAgain(t *testing.T) {
	frame := picture(t, 64, 48)
	s := serve(t, func(s stream, r *http.Request) {
		switch s.n {
		case 0: // a camera that stops, as for a minute
			s.part(frame)
			untilGone(r)
		case 1: // that is broken off in the middle of a picture
			fmt.Fprintf(s, "--frame\r\n\r\n%s", frame[:40])
		case 2:
			s.WriteHeader(http.StatusServiceUnavailable)
		default:
			s.part(frame)
			s.part(frame)
			untilGone(r)
		}
	})
	cfg := quick(s)
	cfg.Silence = silence
	w := watch(t, cfg, func(w *watched) bool { return len(w.states) >= 5 && w.states[len(w.states)-1].Live })
	var reasons []string
	for _, s := range w.states {
		reasons = append(reasons, s.Reason)
	}
	require.Len(t, w.states, 5, "%q", reasons)
	assert.True(t, w.states[0].Live)
	assert.Contains(t, reasons[1], errSilent.Error())
	assert.Contains(t, reasons[2], "stream")
	assert.Contains(t, reasons[3], "503")
	assert.Less(t, w.states[2].Retry, time.Second)
	assert.Equal(t, int64(3), w.stats.Opened)
}

func TestTheTimeBetweenAttemptsGrows(t *testing.T) {
	s := serve(t, func(s stream, _ *http.Request) { s.WriteHeader(http.StatusForbidden) })
	cfg := quick(s)
	cfg.FirstRetry, cfg.LongestRetry = time.Millisecond, 16*time.Millisecond
	w := watch(t, cfg, func(w *watched) bool { return len(w.states) == 8 })
	assert.Less(t, w.states[0].Retry, 2*time.Millisecond)
	for _, s := range w.states[5:8] {
		assert.Greater(t, s.Retry, 10*time.Millisecond)
		assert.Less(t, s.Retry, 21*time.Millisecond)
	}
}

func TestWhatIsNoCamera(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	for want, script := range map[string]func(s stream, r *http.Request){
		"401": func(s stream, r *http.Request) {
			if user, password, ok := r.BasicAuth(); ok && user == "li" && password == "secret" {
				s.WriteHeader(http.StatusOK)
				return
			}
			s.WriteHeader(http.StatusUnauthorized)
		},
		"no MJPEG": func(s stream, _ *http.Request) {
			s.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(s, "<html>")
		},
		"another address": func(s stream, r *http.Request) { http.Redirect(s, r, elsewhere.URL, http.StatusFound) },
		"stream":          func(s stream, _ *http.Request) { _, _ = io.WriteString(s, strings.Repeat("noise", 100)) },
	} {
		w := watch(t, quick(serve(t, script)), func(w *watched) bool { return len(w.states) == 1 })
		assert.Contains(t, w.states[0].Reason, want)
		assert.False(t, w.states[0].Live)
	}
	// Nobody listens there.
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s, err := ParseSource(strings.Replace(gone.URL, "http://", "http://li:secret@", 1))
	require.NoError(t, err)
	w := watch(t, quick(s), func(w *watched) bool { return len(w.states) == 1 })
	assert.NotContains(t, w.states[0].Reason, "secret")
}

func TestPasswordsAreSent(t *testing.T) {
	frame := picture(t, 64, 48)
	s := serve(t, func(s stream, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "li" || password != "s ecret" {
			s.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.part(frame)
		s.part(frame)
		untilGone(r)
	})
	s.URL = strings.Replace(s.URL, "http://", "http://li:s%20ecret@", 1)
	w := watch(t, quick(s), func(w *watched) bool { return len(w.states) > 0 })
	assert.True(t, w.states[0].Live, w.states[0].Reason)
}

func TestAnUnhurriedReaderGetsTheNewestPicture(t *testing.T) {
	frames := make([][]byte, 30)
	for i := range frames {
		frames[i] = picture(t, 64+8*i, 48)
	}
	sent := make(chan struct{})
	s := serve(t, func(s stream, r *http.Request) {
		for _, f := range frames {
			s.part(f)
		}
		s.part(frames[29])
		if s.n == 0 {
			close(sent)
		}
		untilGone(r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	c := New(quick(s))
	var widths []int
	err := c.Run(ctx, nil, func(_ context.Context, f Frame) error {
		widths = append(widths, f.Image.Width)
		if len(widths) == 1 {
			<-sent
			// What was sent may not be read yet.
			for c.Stats().Frames < 30 {
				if sleep(ctx, time.Millisecond) != nil {
					return ctx.Err()
				}
			}
		}
		if f.Image.Width == 64+8*29 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.LessOrEqual(t, len(widths), 4, "those that came meanwhile are left out: %v", widths)
	assert.Positive(t, c.Stats().Dropped)
}

func TestPicturesThatNobodyWants(t *testing.T) {
	frame := picture(t, 64, 48)
	first := make(chan struct{})
	s := serve(t, func(s stream, r *http.Request) {
		s.part(frame)
		s.part(frame)
		select {
		case <-first: // it would be dropped for the twentieth, if that came before it is taken
		case <-r.Context().Done():
		}
		for range 19 {
			s.part(frame)
		}
		untilGone(r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	asked, taken := 0, 0
	c := New(quick(s))
	err := c.Run(ctx, func(time.Time) bool { asked++; return asked == 1 || asked == 20 }, func(context.Context, Frame) error {
		if taken++; taken == 1 {
			close(first)
		} else {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 2, taken)
}

func TestAnErrorOfTheReaderEndsIt(t *testing.T) {
	frame := picture(t, 64, 48)
	s := serve(t, func(s stream, r *http.Request) {
		for r.Context().Err() == nil {
			s.part(frame)
		}
	})
	want := errors.New("enough")
	require.ErrorIs(t, New(quick(s)).Run(t.Context(), nil, func(context.Context, Frame) error { return want }), want)
}

// TestMJPEGPictureLimits holds that a header that promises a huge picture costs nothing.
func TestMJPEGPictureLimits(t *testing.T) {
	s := serve(t, func(s stream, r *http.Request) {
		s.part(picture(t, 640, 480))
		s.part(picture(t, 64, 48))
		s.part(picture(t, 64, 48))
		untilGone(r)
	})
	cfg := quick(s)
	cfg.Limits = imaging.Limits{MaxPixels: 10_000}
	w := watch(t, cfg, func(w *watched) bool { return len(w.frames) == 1 })
	assert.Equal(t, 64, w.frames[0].Image.Width)
	assert.Equal(t, int64(1), w.stats.Bad)
}

// FuzzMJPEG holds that whatever a camera sends ends, and gives pictures or errors.
func FuzzMJPEG(f *testing.F) {
	part := "--frame\r\nContent-Type: image/jpeg\r\n\r\n"
	f.Add([]byte(part+string(picture(f, 16, 16))+"\r\n"+part+"x\r\n--frame--"), "--frame")
	f.Add([]byte(part), "frame")
	f.Fuzz(func(t *testing.T, content []byte, boundary string) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://camera/", http.NoBody)
		require.NoError(t, err)
		m := &mjpeg{cancel: cancel, read: long, limits: imaging.Limits{MaxPixels: 1 << 20}, watch: time.NewTimer(long)}
		m.client = &http.Client{Transport: answer(func() *http.Response {
			return &http.Response{
				StatusCode: http.StatusOK, Request: request, Body: io.NopCloser(bytes.NewReader(content)),
				Header: http.Header{"Content-Type": {`multipart/x-mixed-replace; boundary="` + boundary + `"`}},
			}
		})}
		defer m.Close()
		if err := m.connect(ctx, request.URL, nil); err != nil {
			return
		}
		for range len(content) + 2 {
			_, _, err := m.Next(ctx, func(time.Duration) bool { return true })
			var bad *badPicture
			if err != nil && !errors.As(err, &bad) {
				return
			}
		}
		t.Fatal("there are more pictures than bytes")
	})
}

type answer func() *http.Response

func (a answer) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }
