package speech

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/courtsense/courtsense/speech/hotword"
)

// ErrClosed is returned by writes to a stream that was finished or closed.
var ErrClosed = errors.New("speech stream is closed")

// Stream is a Segmenter's run that is fed by writes, for senders that push. Write and Finish are for one goroutine;
// Close may be called from any. The owner calls Close.
type Stream struct {
	pipe    *io.PipeWriter
	cancel  context.CancelCauseFunc
	done    chan struct{}
	once    sync.Once
	summary Summary
	err     error
	update  hotWordUpdate
}

// hotWordUpdate hands new hot words to a run.
type hotWordUpdate struct {
	mu    sync.Mutex
	graph *hotword.Graph
	fresh bool
}

func (u *hotWordUpdate) put(g *hotword.Graph) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.graph, u.fresh = g, true
}

// take returns hot words that were put since the last take.
func (u *hotWordUpdate) take() (g *hotword.Graph, ok bool) {
	if u == nil {
		return nil, false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	g, ok = u.graph, u.fresh
	u.fresh = false
	return g, ok
}

// Open starts a run in its own goroutine, which ends when ctx does, after Finish, after Close, or with a refusal. emit is
// called from that goroutine, one result at a time.
func (s *Segmenter) Open(ctx context.Context, emit func(Result) error) *Stream {
	ctx, cancel := context.WithCancelCause(ctx)
	r, w := io.Pipe()
	st := &Stream{pipe: w, cancel: cancel, done: make(chan struct{})}
	// A read that waits for bytes ends with the context.
	release := context.AfterFunc(ctx, func() { _ = r.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer close(st.done)
		defer cancel(nil)
		defer release()
		st.err = guarded(func() (err error) {
			st.summary, err = s.run(ctx, r, emit, &st.update)
			return err
		})
		if cause := context.Cause(ctx); cause != nil && st.err != nil {
			st.err = cause
		}
		over := st.err
		if over == nil {
			over = ErrClosed
		}
		_ = r.CloseWithError(over)
	}()
	return st
}

// Write hands over bytes, in chunks of any size, and blocks while the detector or emit is behind. It returns the refusal
// when the sound was refused, ctx's error when ctx ends, which ends the stream too, and [ErrClosed] after Finish or Close.
func (st *Stream) Write(ctx context.Context, b []byte) error {
	if len(b) == 0 {
		return ctx.Err()
	}
	release := context.AfterFunc(ctx, func() { st.cancel(context.Cause(ctx)) })
	defer release()
	_, err := st.pipe.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		return ErrClosed
	}
	return err
}

// SetHotWords replaces the hot words for the sound that is written from now on; nil removes them. What was written before is
// heard with the earlier ones but for the last quarter of a second. It may be called from any goroutine.
func (st *Stream) SetHotWords(g *hotword.Graph) { st.update.put(g) }

// Finish says that no more bytes come, waits until the last final result was emitted and returns how the run ended.
func (st *Stream) Finish(ctx context.Context) (Summary, error) {
	_ = st.pipe.Close()
	select {
	case <-st.done:
	case <-ctx.Done():
		st.cancel(context.Cause(ctx))
		<-st.done
	}
	return st.summary, st.err
}

// Done is closed when the run has ended, by itself or not; Finish then returns at once and says how.
func (st *Stream) Done() <-chan struct{} { return st.done }

// Close stops the run without completing open segments and waits for its goroutine, so emit must not call it. It is
// idempotent.
func (st *Stream) Close() {
	st.once.Do(func() { st.cancel(ErrClosed) })
	<-st.done
	_ = st.pipe.Close()
}
