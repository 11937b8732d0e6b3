package webhook

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte(strings.Repeat("s", 32))

// TestSignature is the example of the specification's reference libraries.
func TestSignature(t *testing.T) {
	key, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	require.NoError(t, err)
	got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	assert.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got)
	for _, bad := range []string{"", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))} {
		_, err := ParseSecret(bad)
		require.Error(t, err)
	}
}

type receiver struct {
	mu     sync.Mutex
	bodies []string
	ids    []string
	bad    []error
}

// outcomes lets tests wait for what became of messages.
func sender(t *testing.T, url string, queue int) (*Sender, chan Outcome) {
	t.Helper()
	outcomes := make(chan Outcome, 100)
	s, err := New(Config{
		URL: url, Secret: secret, Queue: queue, FirstRetry: time.Millisecond, LongestRetry: 2 * time.Millisecond, Timeout: time.Minute,
		Logger: slog.New(slog.DiscardHandler), Outcome: func(o Outcome) { outcomes <- o },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()); require.NoError(t, s.Close()) })
	return s, outcomes
}

func TestMessagesAreSignedAndRetriedInOrder(t *testing.T) {
	var r receiver
	attempts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		body, _ := io.ReadAll(q.Body)
		if err := Verify(secret, q.Header, body, time.Now(), time.Minute); err != nil {
			r.bad = append(r.bad, err)
		}
		if attempts++; attempts <= 3 {
			w.WriteHeader([]int{503, 429, 500}[attempts-1])
			return
		}
		r.bodies, r.ids = append(r.bodies, string(body)), append(r.ids, q.Header.Get(HeaderID))
	}))
	t.Cleanup(server.Close)
	s, outcomes := sender(t, server.URL, 10)
	for _, id := range []string{"1", "2", "3"} {
		require.True(t, s.Send(id, []byte(`{"n":`+id+`}`)))
	}
	counts := map[Outcome]int{}
	for range 6 {
		counts[<-outcomes]++
	}
	assert.Equal(t, map[Outcome]int{Retried: 3, Delivered: 3}, counts)
	assert.Equal(t, []string{"1", "2", "3"}, r.ids)
	assert.Equal(t, `{"n":1}`, r.bodies[0])
	assert.Empty(t, r.bad)
}

func TestReceiversThatWillNotHaveIt(t *testing.T) {
	for _, code := range []int{400, 401, 404, 410, 302} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.invalid/")
			w.WriteHeader(code)
		}))
		s, outcomes := sender(t, server.URL, 10)
		s.Send("1", nil)
		assert.Equal(t, Refused, <-outcomes, code)
		server.Close()
	}
}

func TestASlowReceiverHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	s, outcomes := sender(t, server.URL, 5)
	sent := 0
	for range 20 {
		if s.Send("x", nil) {
			sent++
		}
	}
	// One may be on its way.
	assert.Contains(t, []int{5, 6}, sent)
	assert.Equal(t, Dropped, <-outcomes)
}

func TestAMessageIsGivenUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(server.Close)
	outcomes := make(chan Outcome, 1000)
	s, err := New(Config{
		URL: server.URL, Secret: secret, FirstRetry: time.Millisecond, LongestRetry: time.Millisecond, GiveUp: 10 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Outcome: func(o Outcome) { outcomes <- o },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	s.Send("1", nil)
	for o := range outcomes {
		if o == GivenUp {
			break
		}
		require.Equal(t, Retried, o)
	}
}

func TestMessagesThatAreNotTrusted(t *testing.T) {
	now, body := time.Unix(1772352000, 0), []byte("{}")
	header := func(at time.Time, signature string) http.Header {
		h := http.Header{}
		h.Set(HeaderID, "1")
		h.Set(HeaderTimestamp, "1772352000")
		h.Set(HeaderSignature, signature)
		return h
	}
	good := sign(secret, "1", now, body)
	require.NoError(t, Verify(secret, header(now, "v1,other "+good), body, now.Add(time.Minute), 5*time.Minute))
	require.Error(t, Verify(secret, header(now, good), []byte("{ }"), now, 5*time.Minute))
	require.Error(t, Verify(secret, header(now, good), body, now.Add(time.Hour), 5*time.Minute))
	require.Error(t, Verify([]byte("another"), header(now, good), body, now, 5*time.Minute))
	require.Error(t, Verify(secret, http.Header{}, body, now, 5*time.Minute))
}

func TestSettingsThatAreRefused(t *testing.T) {
	for _, c := range []Config{{}, {URL: "ftp://x", Secret: secret}, {URL: "http://", Secret: secret}, {URL: "http://x"}} {
		_, err := New(c)
		require.Error(t, err)
	}
}
