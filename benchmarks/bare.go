package benchmarks

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/courtsense/courtsense/pipeline"
)

// bareSession is the runtime with nothing around it, with the session options that the engine uses.
type bareSession struct {
	native *ort.DynamicAdvancedSession
	sig    pipeline.Signature
	rows   func(n int) pipeline.Tensors
}

func newBareSession(model []byte, sig pipeline.Signature, threads int, rows func(n int) pipeline.Tensors) (*bareSession, error) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	// As in the engine, pictures run without a memory plan: it would grow with every size. See package onnx.
	err = errors.Join(so.SetIntraOpNumThreads(threads), so.SetInterOpNumThreads(1),
		so.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"), so.SetMemPattern(len(sig.Inputs[0].Shape) < 3))
	var in, out []string
	for _, info := range sig.Inputs {
		in = append(in, info.Name)
	}
	for _, info := range sig.Outputs {
		out = append(out, info.Name)
	}
	s := &bareSession{sig: sig, rows: rows}
	if err == nil {
		s.native, err = ort.NewDynamicAdvancedSessionWithONNXData(model, in, out, so)
	}
	return s, errors.Join(err, so.Destroy())
}

func (s *bareSession) close() error { return s.native.Destroy() }

// bareLoop is one goroutine's inputs and outputs, allocated once. It takes its inputs in turn, so that they are no
// better cached than those of as many callers.
type bareLoop struct {
	session *bareSession
	in      [][]ort.Value
	out     []ort.Value
	turn    int
}

// loops makes n loops of runs with some rows, over sets of inputs each.
func (s *bareSession) loops(n, rows, sets int) ([]*bareLoop, error) {
	var all []*bareLoop
	for range n {
		l := &bareLoop{session: s, out: make([]ort.Value, len(s.sig.Outputs))}
		all = append(all, l)
		for range sets {
			inputs := s.rows(rows)
			var in []ort.Value
			for _, info := range s.sig.Inputs {
				v, err := nativeValue(inputs[info.Name])
				if err != nil {
					return nil, fmt.Errorf("input %s: %w", info.Name, err)
				}
				in = append(in, v)
			}
			l.in = append(l.in, in)
		}
		// The first run makes the outputs, the later ones reuse them.
		if err := l.run(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (l *bareLoop) run() error {
	l.turn = (l.turn + 1) % len(l.in)
	return l.session.native.Run(l.in[l.turn], l.out)
}

func destroyLoops(loops []*bareLoop) {
	for _, l := range loops {
		for _, v := range slices.Concat(append(l.in, l.out)...) {
			_ = v.Destroy() // never fails for tensors and scalars
		}
	}
}

func nativeValue(t pipeline.Tensor) (ort.Value, error) {
	switch {
	case len(t.Shape) == 0 && t.Int64 != nil:
		return ort.NewScalar(t.Int64[0])
	case len(t.Shape) == 0:
		return nil, errors.New("only int64 scalars are known here")
	case t.Float32 != nil:
		return ort.NewTensor(ort.Shape(t.Shape), t.Float32)
	case t.Int64 != nil:
		return ort.NewTensor(ort.Shape(t.Shape), t.Int64)
	}
	return ort.NewTensor(ort.Shape(t.Shape), t.Uint8)
}
