package pull

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
)

// content is reproducible data that does not repeat, so that a misplaced part can't go unnoticed.
func content(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// fileYAML is a catalogue with one model of one file; extra are further lines of the file.
func catalogYAML(path string, extra ...string) string {
	return fmt.Sprintf(`format: 1
models:
  - id: thing
    version: "1"
    title: A thing
    task: face-detection
    family: yunet
    license: MIT
    files:
      - role: model
        path: %s
        %s
`, path, strings.Join(extra, "\n        "))
}

func hashed(b []byte) []string {
	return []string{"sha256: " + sumOf(b), fmt.Sprintf("size: %d", len(b))}
}

func open(t *testing.T, catalog, dir string) *models.Store {
	t.Helper()
	c, err := models.ParseCatalog([]byte(catalog))
	require.NoError(t, err)
	s, err := models.Open(c, dir)
	require.NoError(t, err)
	return s
}

func puller(t *testing.T, s *models.Store, cfg Config) *Puller {
	t.Helper()
	cfg.backoff = time.Millisecond
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p, err := New(s, cfg)
	require.NoError(t, err)
	return p
}

// mirror serves data at any path, with an ETag and ranges, and counts.
type mirror struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string
	client *http.Client
}

func serve(t *testing.T, h http.HandlerFunc) *mirror {
	t.Helper()
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.ranges = append(m.ranges, r.Header.Get("Range"))
		m.mu.Unlock()
		h(w, r)
	}))
	m.client = &http.Client{Transport: &http.Transport{}, CheckRedirect: checkRedirect}
	t.Cleanup(func() {
		m.client.CloseIdleConnections()
		m.Close()
	})
	return m
}

func (m *mirror) seen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.ranges...)
}

func serveContent(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+sumOf(data)[:16]+`"`)
		http.ServeContent(w, r, "x.bin", time.Time{}, bytes.NewReader(data))
	}
}

// onlyFile asserts that a store holds the file, and nothing else but the folder lock.
func onlyFile(t *testing.T, dir, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "content differs")
	require.Equal(t, []string{path}, filesIn(t, dir))
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != ".pull.lock" {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	require.NoError(t, err)
	return names
}

func TestPullFromURLMirrorThenPresent(t *testing.T) {
	data := content(700_000)
	m := serve(t, serveContent(data))
	s := open(t, catalogYAML("a/b.onnx", hashed(data)...), filepath.Join(t.TempDir(), "new"))
	p := puller(t, s, Config{Mirror: m.URL + "/base", Client: m.client})

	r, err := p.Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, Pulled, r[0].Outcome)
	require.EqualValues(t, len(data), r[0].Bytes)
	onlyFile(t, s.Dir(), "a/b.onnx", data)
	_, err = s.Resolve("thing")
	require.NoError(t, err)

	r, err = p.Pull(t.Context(), "thing")
	require.NoError(t, err)
	require.Equal(t, Present, r[0].Outcome)
	require.Len(t, m.seen(), 1, "a present file must not be fetched")
}

func TestPullFromFolderMirror(t *testing.T) {
	data, from := content(5000), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(from, "b.onnx"), data, 0o644))
	for _, form := range []string{from, "file://" + from} {
		s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
		_, err := puller(t, s, Config{Mirror: form}).Pull(t.Context())
		require.NoError(t, err)
		onlyFile(t, s.Dir(), "b.onnx", data)
	}
	_, err := New(open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir()), Config{Mirror: "/does/not/exist"})
	require.ErrorContains(t, err, "want a folder or an http(s) URL")
}

func TestPullReplacesDamagedFile(t *testing.T) {
	data := content(3000)
	m := serve(t, serveContent(data))
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir(), "b.onnx"), content(2999), 0o644))
	r, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, Pulled, r[0].Outcome)
	onlyFile(t, s.Dir(), "b.onnx", data)
}

func TestPullRefusesOtherBytes(t *testing.T) {
	want, got := content(3000), make([]byte, 3000)
	m := serve(t, serveContent(got))
	s := open(t, catalogYAML("b.onnx", hashed(want)...), t.TempDir())
	r, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	var mismatch *models.MismatchError
	require.ErrorAs(t, err, &mismatch)
	require.Equal(t, sumOf(want), mismatch.Want)
	require.Equal(t, sumOf(got), mismatch.Got)
	require.ErrorContains(t, err, "bad data deleted")
	require.Equal(t, Failed, r[0].Outcome)
	require.Empty(t, filesIn(t, s.Dir()))
	require.Len(t, m.seen(), 1, "other bytes do not become right by asking again")
}

func TestPullRefusesOtherLength(t *testing.T) {
	m := serve(t, serveContent(content(4000)))
	s := open(t, catalogYAML("b.onnx", hashed(content(3000))...), t.TempDir())
	_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	require.ErrorContains(t, err, "has 4000 bytes, the catalogue says 3000")
}

func TestPullLimitsUnknownSize(t *testing.T) {
	data := content(300_000)
	for name, h := range map[string]http.HandlerFunc{
		"announced": serveContent(data),
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				_, _ = w.Write(data)
				w.(http.Flusher).Flush()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := serve(t, h)
			s := open(t, catalogYAML("b.onnx", "verified: false"), t.TempDir())
			_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client, MaxBytes: 100_000}).Pull(t.Context())
			require.ErrorContains(t, err, "100000")
			require.NotContains(t, filesIn(t, s.Dir()), "b.onnx")
		})
	}
}

// TestPullResumesBrokenTransfer cuts the first answers short in the middle.
func TestPullResumesBrokenTransfer(t *testing.T) {
	data := content(900_000)
	for name, ranges := range map[string]bool{"server with ranges": true, "server without ranges": false} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			broken := 0
			m := serve(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				broken++
				first := broken == 1
				mu.Unlock()
				if !ranges {
					r.Header.Del("Range")
				}
				if first {
					w.Header().Set("ETag", `"`+sumOf(data)[:16]+`"`)
					w.Header().Set("Content-Length", fmt.Sprint(len(data)))
					_, _ = w.Write(data[:600_000])
					return
				}
				serveContent(data)(w, r)
			})
			s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
			r, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
			require.NoError(t, err)
			onlyFile(t, s.Dir(), "b.onnx", data)
			require.Equal(t, []string{"", "bytes=600000-"}, m.seen())
			if ranges {
				require.Equal(t, Resumed, r[0].Outcome)
				require.EqualValues(t, len(data), r[0].Bytes)
			} else {
				require.Equal(t, Pulled, r[0].Outcome)
				require.EqualValues(t, len(data)+600_000, r[0].Bytes)
			}
		})
	}
}

// TestPullAfterChangeOnServer: If-Range makes the server send the file whole when the part is of another version.
func TestPullAfterChangeOnServer(t *testing.T) {
	data := content(50_000)
	m := serve(t, serveContent(data))
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	target := filepath.Join(s.Dir(), "b.onnx")
	require.NoError(t, os.WriteFile(target+partialSuffix, make([]byte, 20_000), 0o644))
	state := fmt.Sprintf(`{"from":%q,"sha256":%q,"validator":{"etag":"\"old\""}}`, m.URL+"/b.onnx", sumOf(data))
	require.NoError(t, os.WriteFile(target+stateSuffix, []byte(state), 0o644))
	r, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, Pulled, r[0].Outcome)
	require.Equal(t, []string{"bytes=20000-"}, m.seen(), "one request is enough")
	onlyFile(t, s.Dir(), "b.onnx", data)
}

func TestPullMirrorCredentialsStaySecret(t *testing.T) {
	data := content(100)
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "clerk" || password != "hush" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		serveContent(data)(w, r)
	})
	s := open(t, catalogYAML("b.onnx", "verified: false"), t.TempDir())
	_, err := puller(t, s, Config{Mirror: strings.Replace(m.URL, "http://", "http://clerk:wrong@", 1), Client: m.client}).Pull(t.Context())
	require.ErrorContains(t, err, "401")
	require.NotContains(t, err.Error(), "wrong")
	_, err = puller(t, s, Config{Mirror: strings.Replace(m.URL, "http://", "http://clerk:hush@", 1), Client: m.client}).Pull(t.Context())
	require.NoError(t, err)
	lock, err := os.ReadFile(filepath.Join(s.Dir(), models.LockName))
	require.NoError(t, err)
	require.NotContains(t, string(lock), "hush")
}

func TestContentRange(t *testing.T) {
	start, total, err := contentRange("bytes 5-9/10")
	require.NoError(t, err)
	require.EqualValues(t, 5, start)
	require.EqualValues(t, 10, total)
	_, total, err = contentRange("bytes 5-9/*")
	require.NoError(t, err)
	require.EqualValues(t, -1, total)
	for _, bad := range []string{"", "bytes", "bytes 5-/10", "bytes 9-5/10", "bytes -1-5/6", "bytes 5-7/10", "items 5-9/10"} {
		_, _, err := contentRange(bad)
		require.Error(t, err, bad)
	}
}

// TestPullRestartsWhenPartIsSpoilt: the tag still fits, the bytes do not; the hash notices.
func TestPullRestartsWhenPartIsSpoilt(t *testing.T) {
	data := content(50_000)
	m := serve(t, serveContent(data))
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	target := filepath.Join(s.Dir(), "b.onnx")
	require.NoError(t, os.WriteFile(target+partialSuffix, make([]byte, 20_000), 0o644))
	state := fmt.Sprintf(`{"from":%q,"sha256":%q,"validator":{"etag":"\"%s\""}}`, m.URL+"/b.onnx", sumOf(data), sumOf(data)[:16])
	require.NoError(t, os.WriteFile(target+stateSuffix, []byte(state), 0o644))
	r, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, Pulled, r[0].Outcome)
	require.Equal(t, []string{"bytes=20000-", ""}, m.seen())
	onlyFile(t, s.Dir(), "b.onnx", data)
}

func TestPullIgnoresPartOfAnotherVersion(t *testing.T) {
	data := content(50_000)
	m := serve(t, serveContent(data))
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	target := filepath.Join(s.Dir(), "b.onnx")
	require.NoError(t, os.WriteFile(target+partialSuffix, data[:20_000], 0o644))
	require.NoError(t, os.WriteFile(target+stateSuffix, []byte(`{"from":"elsewhere","sha256":"x"}`), 0o644))
	_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{""}, m.seen())
	onlyFile(t, s.Dir(), "b.onnx", data)
}

func TestPullRetriesThenGivesUp(t *testing.T) {
	m := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusBadGateway) })
	data := content(10)
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client, Attempts: 3}).Pull(t.Context())
	require.ErrorContains(t, err, "502")
	require.Len(t, m.seen(), 3)
}

func TestPullStall(t *testing.T) {
	data := content(10_000)
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data[:100])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client, Attempts: 2, Stall: time.Second}).Pull(t.Context())
	require.ErrorContains(t, err, "nothing arrived for 1s")
	require.Len(t, m.seen(), 2)
}

func TestPullNoSource(t *testing.T) {
	m := serve(t, http.NotFound)
	data := content(10)
	for name, cfg := range map[string]Config{
		"not in URL mirror":    {Mirror: m.URL, Client: m.client},
		"not in folder mirror": {Mirror: t.TempDir()},
		"no url":               {},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
			p := puller(t, s, cfg)
			r, err := p.Pull(t.Context())
			require.NoError(t, err, "what has no source is left out of a pull of everything")
			require.Equal(t, NoSource, r[0].Outcome)
			_, err = p.Pull(t.Context(), "thing")
			require.ErrorIs(t, err, errNoSource)
		})
	}
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	_, err := puller(t, s, Config{}).Pull(t.Context(), "thingy")
	require.ErrorIs(t, err, models.ErrUnknown)
	require.ErrorContains(t, err, `did you mean "thing"?`)
}

func TestPullRedirects(t *testing.T) {
	data := content(1000)
	var m *mirror
	m = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/loop"):
			http.Redirect(w, r, m.URL+r.URL.Path, http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/old"):
			http.Redirect(w, r, m.URL+"/new", http.StatusFound)
		default:
			serveContent(data)(w, r)
		}
	})
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	_, err := puller(t, s, Config{Mirror: m.URL + "/loop", Client: m.client}).Pull(t.Context())
	require.ErrorIs(t, err, errRedirect)
	require.Len(t, m.seen(), maxRedirects)
	_, err = puller(t, s, Config{Mirror: m.URL + "/old", Client: m.client}).Pull(t.Context())
	require.NoError(t, err)

	down, _ := http.NewRequest(http.MethodGet, "http://x", nil)
	up, _ := http.NewRequest(http.MethodGet, "https://x", nil)
	require.ErrorIs(t, checkRedirect(down, []*http.Request{up}), errRedirect)
}

func TestPullTrustOnFirstUse(t *testing.T) {
	first, second := content(2000), content(3000)
	data := first
	m := serve(t, func(w http.ResponseWriter, r *http.Request) { serveContent(data)(w, r) })
	s := open(t, catalogYAML("b.onnx", "verified: false"), t.TempDir())
	var logged bytes.Buffer
	p := puller(t, s, Config{Mirror: m.URL, Client: m.client, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	_, err := p.Pull(t.Context())
	require.NoError(t, err)
	require.Contains(t, logged.String(), "no SHA-256")
	lock, err := models.ReadLock(s.Dir())
	require.NoError(t, err)
	rec, ok := lock.File("b.onnx")
	require.True(t, ok)
	require.Equal(t, sumOf(first), rec.SHA256)
	require.EqualValues(t, len(first), rec.Size)
	require.Equal(t, m.URL+"/b.onnx", rec.URL)

	// From now on the record binds: a publisher who changes the file is noticed.
	data = second
	require.NoError(t, os.Remove(filepath.Join(s.Dir(), "b.onnx")))
	_, err = p.Pull(t.Context())
	require.ErrorContains(t, err, "has 3000 bytes, the catalogue says 2000")
}

func TestPullCancel(t *testing.T) {
	data := content(10_000)
	ctx, cancel := context.WithCancel(t.Context())
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data[:5000])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(s.Dir(), "b.onnx"))
}

type recorder struct {
	mu       sync.Mutex
	last     map[string]int64
	total    map[string]int64
	finished []Result
	wentBack bool
}

func (r *recorder) Transfer(f models.File, done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wentBack = r.wentBack || done < r.last[f.Path]
	r.last[f.Path], r.total[f.Path] = done, total
}

func (r *recorder) Finish(res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = append(r.finished, res)
}

func TestPullParallelProgressAndSharedFiles(t *testing.T) {
	from := t.TempDir()
	var b strings.Builder
	b.WriteString("format: 1\nmodels:\n")
	tokens := content(100)
	require.NoError(t, os.WriteFile(filepath.Join(from, "tokens.txt"), tokens, 0o644))
	for i := range 9 {
		data := content(400_000 + i)
		require.NoError(t, os.WriteFile(filepath.Join(from, fmt.Sprintf("m%d.onnx", i)), data, 0o644))
		fmt.Fprintf(&b, `  - id: m-%d
    version: "1"
    title: t
    task: speech-recognition
    family: ctc-stream
    license: MIT
    files:
      - {role: model, path: m%d.onnx, sha256: %s, size: %d}
      - {role: tokens, path: tokens.txt, sha256: %s}
`, i, i, sumOf(data), len(data), sumOf(tokens))
	}
	rec := &recorder{last: map[string]int64{}, total: map[string]int64{}}
	s := open(t, b.String(), t.TempDir())
	r, err := puller(t, s, Config{Mirror: from, Progress: rec}).Pull(t.Context())
	require.NoError(t, err)
	require.Len(t, r, 10)
	require.Len(t, rec.finished, 10)
	require.False(t, rec.wentBack)
	for path, done := range rec.last {
		require.Equal(t, rec.total[path], done, path)
	}
	verified, err := models.Verify(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, verified, 18)
	for _, v := range verified {
		require.Equal(t, models.VerifyOK, v.State, v.Path)
	}
}

func TestPullWaitsForAnother(t *testing.T) {
	data := content(100)
	m := serve(t, serveContent(data))
	s := open(t, catalogYAML("b.onnx", hashed(data)...), t.TempDir())
	unlock, err := lockFolder(t.Context(), s.Dir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(ctx)
	require.ErrorContains(t, err, "another pull holds")
	done := make(chan error)
	go func() {
		_, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
		done <- err
	}()
	unlock()
	require.NoError(t, <-done)
}

// TestKilledPullResumes kills a pulling process outright in the middle of a transfer, then pulls again.
func TestKilledPullResumes(t *testing.T) {
	data := content(3 << 20)
	half := len(data) / 2
	var mu sync.Mutex
	slow := true
	m := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		wait := slow
		mu.Unlock()
		if !wait {
			serveContent(data)(w, r)
			return
		}
		w.Header().Set("ETag", `"`+sumOf(data)[:16]+`"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = io.Copy(w, bytes.NewReader(data[:half]))
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the rest never comes; ends when the child is gone
	})
	dir := t.TempDir()
	catalog := catalogYAML("sub/b.onnx", hashed(data)...)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "PULL_TEST_CHILD_STORE="+dir, "PULL_TEST_CHILD_MIRROR="+m.URL, "PULL_TEST_CHILD_CATALOG="+catalog)
	require.NoError(t, child.Start())
	target := filepath.Join(dir, "sub", "b.onnx")
	require.Eventually(t, func() bool {
		info, err := os.Stat(target + partialSuffix)
		return err == nil && info.Size() >= int64(half)
	}, time.Minute, 5*time.Millisecond, "the child never wrote the first half")
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	require.NoFileExists(t, target, "a half file must never be in place")

	s := open(t, catalog, dir)
	_, err := s.Resolve("thing")
	require.ErrorIs(t, err, models.ErrUnavailable)

	mu.Lock()
	slow = false
	mu.Unlock()
	r, err := puller(t, s, Config{Mirror: m.URL, Client: m.client}).Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, Resumed, r[0].Outcome)
	require.EqualValues(t, len(data)-half, r[0].Bytes)
	require.Equal(t, []string{"", fmt.Sprintf("bytes=%d-", half)}, m.seen())
	onlyFile(t, dir, "sub/b.onnx", data)
	_, err = s.Resolve("thing")
	require.NoError(t, err)
}

// TestPullSharedWeights pulls the published weights beside the checkout through the built-in catalogue.
func TestPullSharedWeights(t *testing.T) {
	from := testinput.SharedModels(t, "face/yunet_n_dynamic.onnx")
	s, err := models.Open(nil, t.TempDir(), models.WithTessdata())
	require.NoError(t, err)
	results, err := puller(t, s, Config{Mirror: from}).Pull(t.Context())
	require.NoError(t, err)
	pulled := 0
	for _, r := range results {
		if r.Outcome == Pulled {
			pulled++
		}
	}
	require.GreaterOrEqual(t, pulled, 14)
	verified, err := models.Verify(t.Context(), s)
	require.NoError(t, err)
	for _, v := range verified {
		if v.Source == models.SourceDisk {
			require.Equal(t, models.VerifyOK, v.State, "%s: %v", v.Path, v.Err)
		}
	}
}

func TestPullOfEverythingLeavesOptionalOut(t *testing.T) {
	data, from := content(10), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(from, "b.onnx"), data, 0o644))
	catalog := strings.Replace(catalogYAML("b.onnx", append(hashed(data), "url: https://127.0.0.1:1/b.onnx")...), "license: MIT", "license: MIT\n    optional: true", 1)
	s := open(t, catalog, t.TempDir())
	r, err := puller(t, s, Config{}).Pull(t.Context())
	require.NoError(t, err)
	require.Empty(t, r)
	r, err = puller(t, s, Config{Mirror: from}).Pull(t.Context())
	require.NoError(t, err)
	require.Equal(t, Pulled, r[0].Outcome)
}
