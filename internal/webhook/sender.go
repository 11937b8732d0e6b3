package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Config sets up a [Sender]. Zero values are the defaults.
type Config struct {
	URL    string // http or https
	Secret []byte // signs
	Queue  int    // messages that wait at most; 1000
	// Timeout bounds one attempt; 10 s. FirstRetry and LongestRetry bound the time between two, twice as long each time; 1 s
	// and 5 min. After GiveUp a message is let go, so that those behind it have their turn; 1 h.
	Timeout, FirstRetry, LongestRetry, GiveUp time.Duration
	Logger                                    *slog.Logger
	// Outcome is told what became of each message; nil: nobody is.
	Outcome func(Outcome)
	// Transport is for tests; nil: http.DefaultTransport's settings.
	Transport http.RoundTripper
}

// Outcome is what became of a message.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered"
	Retried   Outcome = "retried"    // an attempt failed, another one follows
	Refused   Outcome = "refused"    // the receiver will not have it
	GivenUp   Outcome = "given_up"   // after a long time
	Dropped   Outcome = "queue_full" // it was never tried
)

// Sender posts messages, one after the other. Its owner calls Close.
type Sender struct {
	cfg    Config
	client *http.Client
	queue  chan message
	cancel context.CancelFunc
	done   chan struct{}
	close  sync.Once
}

type message struct {
	id   string
	body []byte
}

// maxAnswer is how much of a receiver's answer is read: enough for its connection to be used again.
const maxAnswer = 64 << 10

// New starts a sender.
func New(cfg Config) (*Sender, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("webhook: the address is no http or https URL")
	}
	if len(cfg.Secret) < leastSecret {
		return nil, fmt.Errorf("webhook: a secret of at least %d bytes is needed", leastSecret)
	}
	cfg.Queue = cmp.Or(cfg.Queue, 1000)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	cfg.FirstRetry = cmp.Or(cfg.FirstRetry, time.Second)
	cfg.LongestRetry = max(cmp.Or(cfg.LongestRetry, 5*time.Minute), cfg.FirstRetry)
	cfg.GiveUp = cmp.Or(cfg.GiveUp, time.Hour)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Outcome == nil {
		cfg.Outcome = func(Outcome) {}
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sender{cfg: cfg, queue: make(chan message, cfg.Queue), cancel: cancel, done: make(chan struct{})}
	s.client = &http.Client{Transport: cfg.Transport, Timeout: cfg.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a body that tells of people goes where the operator has said, nowhere else
	}}
	go s.run(ctx)
	return s, nil
}

// Send hands a message over, and tells whether there was room for it. It never waits.
func (s *Sender) Send(id string, body []byte) bool {
	select {
	case s.queue <- message{id, body}:
		return true
	default:
		s.cfg.Outcome(Dropped)
		return false
	}
}

func (s *Sender) run(ctx context.Context) {
	defer close(s.done)
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-s.queue:
			s.deliver(ctx, m)
		}
	}
}

// refusal is an answer that another attempt would not change.
type refusal struct{ status int }

func (r *refusal) Error() string { return fmt.Sprintf("the receiver answers %d", r.status) }

func (s *Sender) deliver(ctx context.Context, m message) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier, wait.RandomizationFactor = s.cfg.FirstRetry, s.cfg.LongestRetry, 2, 0.2
	began := time.Now()
	for {
		err := s.post(ctx, m)
		var refused *refusal
		switch {
		case err == nil:
			s.cfg.Outcome(Delivered)
			return
		case ctx.Err() != nil:
			return
		case errors.As(err, &refused):
			s.cfg.Logger.WarnContext(ctx, "a webhook's receiver refuses a message", "id", m.id, "error", err)
			s.cfg.Outcome(Refused)
			return
		case time.Since(began) > s.cfg.GiveUp:
			s.cfg.Logger.WarnContext(ctx, "a message of the webhook could not be delivered", "id", m.id, "error", err)
			s.cfg.Outcome(GivenUp)
			return
		}
		s.cfg.Outcome(Retried)
		timer := time.NewTimer(wait.NextBackOff())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (s *Sender) post(ctx context.Context, m message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(m.body))
	if err != nil {
		return err
	}
	now := time.Now()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "courtsense")
	request.Header.Set(HeaderID, m.id)
	request.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(HeaderSignature, sign(s.cfg.Secret, m.id, now, m.body))
	response, err := s.client.Do(request)
	if err != nil {
		var wrong *url.Error
		if errors.As(err, &wrong) {
			return wrong.Err // without the address, which may hold a token
		}
		return err
	}
	defer response.Body.Close()
	// What the receiver says is of no interest, but has to be read for the connection to be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500:
		return fmt.Errorf("the receiver answers %d", code)
	default:
		return &refusal{code}
	}
}

// Close ends the sending; what was not delivered is let go. It is idempotent.
func (s *Sender) Close() error {
	s.close.Do(func() {
		s.cancel()
		<-s.done
		s.client.CloseIdleConnections()
	})
	return nil
}
