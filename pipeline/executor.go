package pipeline

import "context"

// Executor runs one loaded model.
//
// Run is safe for concurrent use. It does not keep inputs after it returns, so their buffers may be reused then; the
// outputs belong to the caller. It returns early when ctx ends. Errors carry a [Reason] that [ReasonOf] finds.
//
// Close waits for running calls, frees native memory and is idempotent; Run after Close fails with REJECTED.
type Executor interface {
	Run(ctx context.Context, inputs Tensors) (Tensors, error)
	Signature() Signature
	Close() error
}
