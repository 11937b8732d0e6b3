package server

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

var errDraining = rpcerror.New(codes.Unavailable, rpcerror.ReasonDraining, "the server is shutting down; use another one, or try again", rpcerror.Retry(time.Second))

var errDrainTimeout = rpcerror.New(codes.Unavailable, rpcerror.ReasonDraining, "the server shut down before the call could finish (config server.timeouts.drain)", rpcerror.Retry(time.Second))

type drainKey struct{}

// Draining returns a channel that is closed when the server begins to shut down. The handler of a long stream selects on
// it, finishes what it has, and returns: the call is ended for it when server.timeouts.drain is over. Outside a call the
// channel is nil.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainKey{}).(chan struct{})
	return c
}

// calls knows the running calls, so that they can be counted, told and waited for.
type calls struct {
	limit int
	told  chan struct{} // closed when draining begins
	idle  chan struct{} // closed when draining and no counted call is left

	mu      sync.Mutex
	closed  bool
	counted int
	running map[*context.CancelCauseFunc]struct{}
}

func newCalls(limit int) *calls {
	return &calls{limit: limit, told: make(chan struct{}), idle: make(chan struct{}), running: map[*context.CancelCauseFunc]struct{}{}}
}

// enter admits a call; cancel ends it when the drain's time is over. Calls that are not counted, such as health checks,
// are admitted always.
func (c *calls) enter(counted bool, cancel context.CancelCauseFunc) (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if counted {
		switch {
		case c.closed:
			return nil, errDraining
		case c.counted >= c.limit:
			return nil, errTooManyCalls
		}
		c.counted++
	}
	c.running[&cancel] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, &cancel)
		if counted {
			c.counted--
			if c.closed && c.counted == 0 {
				close(c.idle)
			}
		}
	}, nil
}

var errTooManyCalls = rpcerror.New(codes.ResourceExhausted, rpcerror.ReasonTooManyCalls,
	"the server runs as many calls as it may (config server.max_calls); try again", rpcerror.Retry(time.Second))

// close refuses new calls and tells the running ones.
func (c *calls) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	close(c.told)
	if c.counted == 0 {
		close(c.idle)
	}
}

// cancel ends every running call and says how many of them were counted.
func (c *calls) cancel(cause error) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.running {
		(*f)(cause)
	}
	return c.counted
}
