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
	described pipeline.Description

	closing  atomic.Bool  // set first, so that late callers are refused at once instead of waiting for Close
	running  sync.RWMutex // held for reading by each run
	closed   bool         // guarded by running
	closeErr error        // guarded by running

	idle    chan *ort.RunOptions
	outputs outputShapes
}

var (
	_ pipeline.Executor  = (*session)(nil)
	_ pipeline.Placed    = (*session)(nil)
	_ pipeline.Described = (*session)(nil)
)

func newSession(id string, native *ort.DynamicAdvancedSession, sig pipeline.Signature) *session {
	return &session{id: id, native: native, signature: sig, idle: make(chan *ort.RunOptions, maxIdleRunOptions)}
}

func (s *session) Signature() pipeline.Signature { return s.signature }

func (s *session) Describe() pipeline.Description { return s.described }

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
	key := s.outputs.key(s.signature, inputs)
	shapes := s.outputs.lookUp(key)
	out, err := s.runOnce(ctx, &pins, in, shapes)
	if err != nil && shapes != nil && ctx.Err() == nil {
		destroy(out)
		if out, err = s.runOnce(ctx, &pins, in, nil); err == nil {
			s.outputs.forget() // it was the shapes, so they depend on values too
		}
	}
	defer func() { destroy(out) }()
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return nil, s.fail(pipeline.ReasonOf(cause), fmt.Errorf("stopped during the run: %w", cause))
		}
		return nil, s.fail(pipeline.Backend, err)
	}
	if shapes == nil {
		s.outputs.learn(key, out)
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

// runOnce runs the session. With shapes the outputs are written straight into the caller's memory; without, the runtime
// allocates them and they are copied.
func (s *session) runOnce(ctx context.Context, pins *runtime.Pinner, in []ort.Value, shapes [][]int64) ([]ort.Value, error) {
	out := make([]ort.Value, len(s.signature.Outputs))
	for i, info := range s.signature.Outputs {
		if len(info.Shape) > 0 && shapes == nil {
			continue
		}
		t := pipeline.Tensor{}
		if shapes != nil {
			t = newTensor(info.DType, shapes[i])
		}
		v, err := outputValue(pins, t, info)
		if err != nil {
			return out, err
		}
		out[i] = v
	}
	return out, s.runNative(ctx, in, out)
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
