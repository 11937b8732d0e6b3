package pipeline

import (
	"context"
	"errors"
	"fmt"
)

// Reason says why a run gave no result, in the words that metrics and RPC errors use.
type Reason string

// The reasons, as in Triton's failure counters, plus INVALID and DEADLINE because a caller can act on those.
const (
	Rejected         Reason = "REJECTED" // not admitted: queue full, unloading or closed
	Canceled         Reason = "CANCELED" // the caller went away
	DeadlineExceeded Reason = "DEADLINE" // the caller's deadline passed in the queue or during the run
	Invalid          Reason = "INVALID"  // the input does not fit the model
	Backend          Reason = "BACKEND"  // the runtime failed
)

// Failure is the error type of the engine.
type Failure struct {
	Reason Reason
	Model  string // catalogue id, "" when unknown
	Err    error
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Model == "" {
		return fmt.Sprintf("%s: %v", f.Reason, f.Err)
	}
	return fmt.Sprintf("model %s: %s: %v", f.Model, f.Reason, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// ReasonOf classifies err: the reason of a [Failure] in its chain, else by context errors, else Backend.
func ReasonOf(err error) Reason {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f.Reason
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Backend
}
