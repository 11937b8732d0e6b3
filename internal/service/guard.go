package service

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// guarded runs f and turns a panic into an error. The server recovers panics of a call's own goroutine; one in a goroutine
// that a handler started would end the process.
func guarded(ctx context.Context, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			slog.ErrorContext(ctx, "panic in a part of a call; that part fails with INTERNAL", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}
