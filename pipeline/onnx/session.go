package onnx

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/courtsense/courtsense/pipeline"
)

// maxIdleRunOptions bounds the native run options that a session keeps for reuse.
const maxIdleRunOptions = 16

// session is one loaded model.
type session struct {
	id        string
	native    *ort.DynamicAdvancedSession
	signature pipeline.Signature
	placement pipeline.Placement

	closing  atomic.Bool  // set first, so that late callers are refused at once instead of waiting for Close
	running  sync.RWMutex // held for reading by each run
	closed   bool         // guarded by running
	closeErr error        // guarded by running

	idle chan *ort.RunOptions
}

var (
	_ pipeline.Executor = (*session)(nil)
	_ pipeline.Placed   = (*session)(nil)
)

func newSession(id string, native *ort.DynamicAdvancedSession, sig pipeline.Signature) *session {
	return &session{id: id, native: native, signature: sig, idle: make(chan *ort.RunOptions, maxIdleRunOptions)}
}

func (s *session) Signature() pipeline.Signature { return s.signature }

func (s *session) Placement() pipeline.Placement { return s.placement }

func (s *session) fail(reason pipeline.Reason, err error) error {
	return &pipeline.Failure{Reason: reason, Model: s.id, Err: err}
}

var errClosed = errors.New("the model is closed")

// Run implements [pipeline.Executor]. When ctx ends, the run stops at the next operator: a model that is one long
// operator runs on to its end.
func (s *session) Run(ctx context.Context, inputs pipeline.Tensors) (pipeline.Tensors, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.fail(pipeline.ReasonOf(err), err)
	}
	if err := s.signature.Check(inputs); err != nil {
		return nil, s.fail(pipeline.Invalid, err)
	}
	if s.closing.Load() {
		return nil, s.fail(pipeline.Rejected, errClosed)
	}
	s.running.RLock()
	defer s.running.RUnlock()
	if s.closed {
		return nil, s.fail(pipeline.Rejected, errClosed)
	}

	var pins runtime.Pinner
	defer pins.Unpin()
	in := make([]ort.Value, 0, len(s.signature.Inputs))
	defer func() { destroy(in) }()
	for _, info := range s.signature.Inputs {
		v, err := newValue(&pins, inputs[info.Name])
		if err != nil {
			return nil, s.fail(pipeline.Invalid, fmt.Errorf("input %s: %w", info.Name, err))
		}
		in = append(in, v)
	}
	out := make([]ort.Value, len(s.signature.Outputs))
	defer func() { destroy(out) }()
	for i, info := range s.signature.Outputs {
		if len(info.Shape) == 0 {
			v, err := newScalar(pipeline.Tensor{}, info.DType)
			if err != nil {
				return nil, s.fail(pipeline.Backend, err)
			}
			out[i] = v
		}
	}

	if err := s.runNative(ctx, in, out); err != nil {
		if cause := ctx.Err(); cause != nil {
			return nil, s.fail(pipeline.ReasonOf(cause), fmt.Errorf("stopped during the run: %w", cause))
		}
		return nil, s.fail(pipeline.Backend, err)
	}
	result := make(pipeline.Tensors, len(out))
	for i, info := range s.signature.Outputs {
		t, err := goTensor(out[i])
		if err != nil {
			return nil, s.fail(pipeline.Backend, fmt.Errorf("output %s: %w", info.Name, err))
		}
		result[info.Name] = t
	}
	return result, nil
}

// runNative runs the session and stops it when ctx ends.
func (s *session) runNative(ctx context.Context, in, out []ort.Value) error {
	if ctx.Done() == nil {
		return s.native.RunWithOptions(in, out, nil)
	}
	options, err := s.takeRunOptions()
	if err != nil {
		return err
	}
	terminated := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { terminated <- options.Terminate() })
	err = s.native.RunWithOptions(in, out, options)
	if !stop() {
		// The options must not be reused while the other goroutine may still touch them.
		if terr := errors.Join(<-terminated, options.UnsetTerminate()); terr != nil {
			return errors.Join(err, terr, options.Destroy())
		}
	}
	s.keepRunOptions(options)
	return err
}

func (s *session) takeRunOptions() (*ort.RunOptions, error) {
	select {
	case o := <-s.idle:
		return o, nil
	default:
		return ort.NewRunOptions()
	}
}

func (s *session) keepRunOptions(o *ort.RunOptions) {
	select {
	case s.idle <- o:
	default:
		_ = o.Destroy() // fails only on options that were never made
	}
}

// Close implements [pipeline.Executor].
func (s *session) Close() error {
	s.closing.Store(true)
	s.running.Lock()
	defer s.running.Unlock()
	if s.closed {
		return s.closeErr
	}
	s.closed = true
	for len(s.idle) > 0 {
		s.closeErr = errors.Join(s.closeErr, (<-s.idle).Destroy())
	}
	frugally(func() { s.closeErr = errors.Join(s.closeErr, s.native.Destroy()) })
	if s.closeErr != nil {
		s.closeErr = s.fail(pipeline.Backend, s.closeErr)
	}
	return s.closeErr
}

// newValue wraps t's own memory, which is pinned until the run is over; nothing is copied.
func newValue(pins *runtime.Pinner, t pipeline.Tensor) (ort.Value, error) {
	if len(t.Shape) == 0 {
		return newScalar(t, t.DType())
	}
	switch t.DType() {
	case pipeline.Float32:
		return wrap(pins, t.Shape, t.Float32)
	case pipeline.Int64:
		return wrap(pins, t.Shape, t.Int64)
	default:
		return wrap(pins, t.Shape, t.Uint8)
	}
}

func wrap[T ort.TensorData](pins *runtime.Pinner, shape []int64, data []T) (ort.Value, error) {
	if len(data) > 0 {
		pins.Pin(&data[0])
	}
	return ort.NewTensor(ort.Shape(shape), data)
}

// newScalar makes the rank-0 value that the binding treats as a type of its own.
func newScalar(t pipeline.Tensor, dtype pipeline.DType) (ort.Value, error) {
	switch dtype {
	case pipeline.Float32:
		return ort.NewScalar(first(t.Float32))
	case pipeline.Int64:
		return ort.NewScalar(first(t.Int64))
	default:
		return ort.NewScalar(first(t.Uint8))
	}
}

func first[T any](data []T) T {
	var zero T
	if len(data) > 0 {
		return data[0]
	}
	return zero
}

// goTensor takes the Go memory out of a value, so that it outlives the native object.
func goTensor(v ort.Value) (pipeline.Tensor, error) {
	switch v := v.(type) {
	case *ort.Tensor[float32]:
		return pipeline.Tensor{Shape: v.GetShape(), Float32: v.GetData()}, nil
	case *ort.Tensor[int64]:
		return pipeline.Tensor{Shape: v.GetShape(), Int64: v.GetData()}, nil
	case *ort.Tensor[uint8]:
		return pipeline.Tensor{Shape: v.GetShape(), Uint8: v.GetData()}, nil
	case *ort.Scalar[float32]:
		return pipeline.Tensor{Shape: []int64{}, Float32: []float32{v.GetData()}}, nil
	case *ort.Scalar[int64]:
		return pipeline.Tensor{Shape: []int64{}, Int64: []int64{v.GetData()}}, nil
	case *ort.Scalar[uint8]:
		return pipeline.Tensor{Shape: []int64{}, Uint8: []uint8{v.GetData()}}, nil
	}
	return pipeline.Tensor{}, fmt.Errorf("unsupported value %T", v)
}

func destroy(values []ort.Value) {
	for _, v := range values {
		if v != nil {
			_ = v.Destroy() // never fails for tensors and scalars
		}
	}
}
