package pipeline

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// maxComparedElements bounds the tensors without a batch axis that requests may share by having equal contents, such as
// a sample rate. Larger ones make a request run alone.
const maxComparedElements = 32

// joiner knows along which axis each tensor of a model is joined; -1 where it is not.
type joiner struct {
	sig     Signature
	in, out []int // by position in the signature
	pool    *BufferPool
}

func newJoiner(sig Signature, axes map[string]int, pool *BufferPool) joiner {
	axisOf := func(infos []TensorInfo) []int {
		all := make([]int, len(infos))
		for i, info := range infos {
			axis, named := axes[info.Name]
			if !named {
				axis = 0
			}
			if axis >= len(info.Shape) {
				axis = -1
			}
			all[i] = axis
		}
		return all
	}
	return joiner{sig: sig, in: axisOf(sig.Inputs), out: axisOf(sig.Outputs), pool: pool}
}

// joinable reports whether the model takes any number of rows in every tensor that has a batch axis.
func (j joiner) joinable() bool {
	batched := false
	for i, axis := range j.in {
		if axis < 0 {
			continue
		}
		if j.sig.Inputs[i].Shape[axis] >= 0 {
			return false
		}
		batched = true
	}
	return batched
}

// rows returns the number of rows of a request, in which all its batched tensors must agree.
func (j joiner) rows(inputs Tensors) (int, error) {
	rows := int64(-1)
	for i, axis := range j.in {
		if axis < 0 {
			continue
		}
		t := inputs[j.sig.Inputs[i].Name]
		switch n := t.Shape[axis]; {
		case n == 0:
			return 0, fmt.Errorf("input %s has no rows: shape %v, batch axis %d", j.sig.Inputs[i].Name, t.Shape, axis)
		case rows >= 0 && n != rows:
			return 0, fmt.Errorf("input %s has %d rows along axis %d, another input has %d", j.sig.Inputs[i].Name, n, axis, rows)
		default:
			rows = n
		}
	}
	return int(max(rows, 1)), nil
}

// class returns a key that two requests share exactly when they may run together: equal dimensions but for the rows, and
// equal contents where a tensor has no batch axis. ok is false when the request must run alone.
func (j joiner) class(inputs Tensors) (key string, ok bool) {
	b := make([]byte, 0, 64)
	for i, info := range j.sig.Inputs {
		t := inputs[info.Name]
		for d, n := range t.Shape {
			if d != j.in[i] {
				b = binary.AppendUvarint(b, uint64(n))
			}
		}
		if j.in[i] >= 0 {
			continue
		}
		if t.Elements() > maxComparedElements {
			return "", false
		}
		for _, v := range t.Float32 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for _, v := range t.Int64 {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		b = append(b, t.Uint8...)
	}
	return string(b), true
}

// join copies the requests of one class into one. The result's float32 memory is the pool's: give it to release.
func (j joiner) join(parts []Tensors, rows int) Tensors {
	joined := make(Tensors, len(j.sig.Inputs))
	for i, info := range j.sig.Inputs {
		axis, first := j.in[i], parts[0][info.Name]
		if axis < 0 {
			joined[info.Name] = first
			continue
		}
		t := Tensor{Shape: slices.Clone(first.Shape)}
		t.Shape[axis] = int64(rows)
		switch info.DType {
		case Float32:
			t.Float32 = j.pool.Get(t.Elements())
			concat(t.Float32, axis, t.Shape, parts, info.Name, func(p Tensor) []float32 { return p.Float32 })
		case Int64:
			t.Int64 = make([]int64, t.Elements())
			concat(t.Int64, axis, t.Shape, parts, info.Name, func(p Tensor) []int64 { return p.Int64 })
		case Uint8:
			t.Uint8 = make([]uint8, t.Elements())
			concat(t.Uint8, axis, t.Shape, parts, info.Name, func(p Tensor) []uint8 { return p.Uint8 })
		}
		joined[info.Name] = t
	}
	return joined
}

func concat[T any](dst []T, axis int, shape []int64, parts []Tensors, name string, data func(Tensor) []T) {
	outer, stride := product(shape[:axis]), product(shape[axis:])
	offset := 0
	for _, part := range parts {
		src := data(part[name])
		width := len(src) / max(outer, 1)
		for o := range outer {
			copy(dst[o*stride+offset:], src[o*width:(o+1)*width])
		}
		offset += width
	}
}

// release hands the joined inputs' memory back; outputs never share it, because executors do not keep inputs.
func (j joiner) release(joined Tensors) {
	for i, info := range j.sig.Inputs {
		if j.in[i] >= 0 {
			j.pool.Put(joined[info.Name].Float32)
		}
	}
}

// split cuts the outputs of a joined run into one for each request, counts[i] rows each. Along axis 0 the parts are
// views of one array that never overlap; otherwise they are copies.
func (j joiner) split(out Tensors, counts []int, rows int) ([]Tensors, error) {
	parts := make([]Tensors, len(counts))
	for i := range parts {
		parts[i] = make(Tensors, len(out))
	}
	for i, info := range j.sig.Outputs {
		t, axis := out[info.Name], j.out[i]
		if axis >= 0 && (axis >= len(t.Shape) || t.Shape[axis] != int64(rows)) {
			return nil, fmt.Errorf("output %s has shape %v after a batch of %d rows: its batch axis is not %d",
				info.Name, t.Shape, rows, axis)
		}
		first := 0
		for k, n := range counts {
			parts[k][info.Name] = cut(t, axis, first, n)
			first += n
		}
	}
	return parts, nil
}

func cut(t Tensor, axis, first, n int) Tensor {
	if axis < 0 {
		return Tensor{Shape: slices.Clone(t.Shape), Float32: slices.Clone(t.Float32), Int64: slices.Clone(t.Int64), Uint8: slices.Clone(t.Uint8)}
	}
	part := Tensor{Shape: slices.Clone(t.Shape)}
	part.Shape[axis] = int64(n)
	outer, inner, total := product(t.Shape[:axis]), product(t.Shape[axis+1:]), int(t.Shape[axis])
	switch t.DType() {
	case Float32:
		part.Float32 = take(t.Float32, outer, total*inner, first*inner, n*inner)
	case Int64:
		part.Int64 = take(t.Int64, outer, total*inner, first*inner, n*inner)
	case Uint8:
		part.Uint8 = take(t.Uint8, outer, total*inner, first*inner, n*inner)
	}
	return part
}

func take[T any](src []T, outer, stride, offset, width int) []T {
	if outer == 1 {
		return src[offset : offset+width : offset+width]
	}
	dst := make([]T, 0, outer*width)
	for o := range outer {
		dst = append(dst, src[o*stride+offset:][:width]...)
	}
	return dst
}

func product(dims []int64) int {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	return n
}
