package main

import (
	"context"
	"errors"
	"io"
	"sync"
)

// tape keeps sound that can't be had again until the server has it, so that a broken connection loses nothing.
type tape struct {
	mu    sync.Mutex
	more  chan struct{} // closed and replaced when something changes
	first int64         // bytes before data that were dropped
	data  []byte
	err   error // why no more will come; io.EOF at the end
	limit int
}

// maxTape is how much sound is kept for a server that is away: an hour and more of one channel at 48 kHz.
const maxTape = 512 << 20

func newTape() *tape { return &tape{more: make(chan struct{}), limit: maxTape} }

// fill reads r to its end; it is called once, in a goroutine of its own.
func (t *tape) fill(r io.Reader) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := r.Read(buffer)
		t.mu.Lock()
		t.data = append(t.data, buffer[:n]...)
		if over := len(t.data) - t.limit; over > 0 {
			t.drop(t.first + int64(over))
		}
		t.err = err
		close(t.more)
		t.more = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// release drops what lies before a position: the server has it.
func (t *tape) release(before int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(before)
}

func (t *tape) drop(before int64) {
	n := min(before-t.first, int64(len(t.data)))
	if n <= 0 {
		return
	}
	t.data, t.first = append([]byte(nil), t.data[n:]...), t.first+n
}

// end is the position behind the last byte so far.
func (t *tape) end() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first + int64(len(t.data))
}

// errTapeLost says that sound was dropped which would be needed.
var errTapeLost = errors.New("the connection was away for too long: sound that was kept for it is lost")

// from reads on from a position, waiting for sound as it comes. It ends with ctx.
func (t *tape) from(ctx context.Context, at int64) io.Reader {
	return &tapeReader{ctx: ctx, tape: t, at: at}
}

type tapeReader struct {
	ctx  context.Context //nolint:containedctx // a Read has no other way to be told to stop
	tape *tape
	at   int64
}

// Read implements io.Reader.
func (r *tapeReader) Read(b []byte) (int, error) {
	for {
		r.tape.mu.Lock()
		more := r.tape.more
		if r.at < r.tape.first {
			r.tape.mu.Unlock()
			return 0, errTapeLost
		}
		if n := copy(b, r.tape.data[min(r.at-r.tape.first, int64(len(r.tape.data))):]); n > 0 {
			r.at += int64(n)
			r.tape.mu.Unlock()
			return n, nil
		}
		err := r.tape.err
		r.tape.mu.Unlock()
		if err != nil {
			return 0, err
		}
		select {
		case <-more:
		case <-r.ctx.Done():
			return 0, context.Cause(r.ctx)
		}
	}
}
