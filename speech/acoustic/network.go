package acoustic

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Networks are the executors of a model's files by role: [models.RoleModel], or [models.RoleEncoder],
// [models.RoleDecoder] and [models.RoleJoiner] of a transducer.
type Networks map[string]pipeline.Executor

// recurrent is the network that reads features: one chunk of rows and its states in, rows and the next states out.
type recurrent struct {
	x      pipeline.Executor
	input  string // [1, rows, dim]
	output string // [1, rows', width]
	states []state
	dim    int
	chunk  int  // rows of features in every run
	step   int  // rows by which the next run's chunk lies further on
	exact  bool // the network takes chunks of no other length; else the length is our choice
	delay  int  // rows that come out before the one of the first row of features
	width  int
	rows   int // that come out of a whole chunk
}

// state is one recurrent tensor.
type state struct {
	in, out string
	dtype   pipeline.DType
	shape   []int64
}

// zeros are the states at the start of a sound.
func (n *recurrent) zeros() []pipeline.Tensor {
	all := make([]pipeline.Tensor, len(n.states))
	for i, s := range n.states {
		t := pipeline.Tensor{Shape: s.shape}
		switch s.dtype {
		case pipeline.Int64:
			t.Int64 = make([]int64, t.Elements())
		case pipeline.Uint8:
			t.Uint8 = make([]uint8, t.Elements())
		default:
			t.Float32 = make([]float32, t.Elements())
		}
		all[i] = t
	}
	return all
}

// bindStates finds the recurrent tensors of an entry in the signature, with batch 1.
func bindStates(sig pipeline.Signature, e models.Entry) ([]state, error) {
	var all []state
	for _, spec := range e.Inputs {
		if spec.Next == "" {
			continue
		}
		info, err := tensorNamed(sig.Inputs, "input", spec.Name)
		if err != nil {
			return nil, err
		}
		if _, err := tensorNamed(sig.Outputs, "output", spec.Next); err != nil {
			return nil, err
		}
		shape := slices.Clone(info.Shape)
		open := 0
		for _, d := range shape {
			if d < 0 {
				open++
			}
		}
		for axis, d := range shape {
			switch {
			case axis == spec.BatchAxis, d < 0 && open == 1:
				shape[axis] = 1
			case d < 0 && axis < len(spec.Shape) && spec.Shape[axis] >= 0:
				shape[axis] = spec.Shape[axis]
			case d < 0:
				return nil, fmt.Errorf("state %q has the shape %v: its size can't be told", spec.Name, info.Shape)
			}
		}
		all = append(all, state{in: spec.Name, out: spec.Next, dtype: info.DType, shape: shape})
	}
	return all, nil
}

func tensorNamed(list []pipeline.TensorInfo, kind, name string) (pipeline.TensorInfo, error) {
	i := slices.IndexFunc(list, func(t pipeline.TensorInfo) bool { return t.Name == name })
	if i < 0 {
		names := make([]string, len(list))
		for k, t := range list {
			names[k] = t.Name
		}
		return pipeline.TensorInfo{}, fmt.Errorf("the network has no %s %q, it has %s", kind, name, strings.Join(names, ", "))
	}
	return list[i], nil
}

// run reads rows of features, dim values each, and returns rows of width values and the next states. Nothing that it is
// given is changed or kept.
func (n *recurrent) run(ctx context.Context, rows []float32, states []pipeline.Tensor) ([]float32, []pipeline.Tensor, error) {
	in := pipeline.Tensors{n.input: {Shape: []int64{1, int64(len(rows) / n.dim), int64(n.dim)}, Float32: rows}}
	for i, s := range n.states {
		in[s.in] = states[i]
	}
	out, err := n.x.Run(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	t := out[n.output]
	if len(t.Shape) != 3 || t.Shape[0] != 1 || t.Float32 == nil || (n.width > 0 && t.Shape[2] != int64(n.width)) {
		return nil, nil, fmt.Errorf("output %q has shape %v and type %v, want [1, rows, %d] of float32", n.output, t.Shape, t.DType(), n.width)
	}
	next := make([]pipeline.Tensor, len(n.states))
	for i, s := range n.states {
		next[i] = out[s.out]
		if !slices.Equal(next[i].Shape, s.shape) || next[i].DType() != s.dtype {
			return nil, nil, fmt.Errorf("state %q came out as %q with shape %v, want %v", s.in, s.out, next[i].Shape, s.shape)
		}
	}
	return t.Float32, next, nil
}

// probe runs one chunk of zeros, which shows what comes out and whether the states fit.
func (n *recurrent) probe(ctx context.Context) error {
	out, _, err := n.run(ctx, make([]float32, n.chunk*n.dim), n.zeros())
	if err != nil {
		return err
	}
	info, err := tensorNamed(n.x.Signature().Outputs, "output", n.output)
	if err != nil {
		return err
	}
	if n.width == 0 {
		n.width = int(info.Shape[2])
	}
	if n.width <= 0 || len(out) == 0 || len(out)%n.width != 0 {
		return fmt.Errorf("output %q has shape %v: the width of its rows can't be told", n.output, info.Shape)
	}
	n.rows = len(out) / n.width
	return nil
}
