package pipeline

import (
	"context"

	"github.com/courtsense/courtsense/models"
)

// Runtime opens models: ONNX Runtime in this process, or an inference server elsewhere. (Backend is a failure's reason.)
type Runtime interface {
	// Open loads the artifact's file and checks it against the catalogue entry. The executor is the caller's to close;
	// if it also implements [Placed], the engine reports where it runs.
	Open(ctx context.Context, a models.Artifact, o Options) (Executor, error)
}

// Options says how a model is to be opened.
type Options struct {
	// Device is "auto", "cpu", "cuda:N", "tensorrt:N" or "PROVIDER:N" with any provider name of the runtime.
	// "" means "auto": the fastest device that works, else the CPU with the reason in [Placement].
	Device string
	// IntraThreads is how many threads share one run's operators; 0 leaves it to the runtime.
	IntraThreads int
	// Role names the file of the artifact; "" means "model".
	Role string
}

// Description is what a model's file says of itself, beyond its signature.
type Description struct {
	// Metadata are the properties that the model's publisher wrote into the file; nil when there are none.
	Metadata map[string]string
	// BatchDependent says that a row's result depends on the other rows of its run, as where activations are quantised by
	// the range that a whole batch has. Requests for such a model are not joined.
	BatchDependent bool
}

// Described is implemented by executors that know their model's file.
type Described interface {
	Describe() Description
}

// Describe returns what x knows of its model's file; nothing when it does not know it.
func Describe(x Executor) Description {
	if d, ok := x.(Described); ok {
		return d.Describe()
	}
	return Description{}
}

// Placement says where a model really runs.
type Placement struct {
	Device       string // "cpu", "cuda:0", ...
	Version      string // of the runtime: "onnxruntime 1.30.0"
	Fallback     string // why a faster device was not used; "" when nothing was given up
	IntraThreads int    // threads that share one run's operators; 0 when they are not the server's
	Bytes        int64  // size of the model's file
}

// Placed is implemented by executors that know where they run.
type Placed interface {
	Placement() Placement
}
