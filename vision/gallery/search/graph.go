package search

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The graphs of the products are a few operators each and hold the gallery's own rows, so they are written here, in the
// field numbers of onnx.proto (ONNX IR version 8, operator set 13).
const (
	irVersion = 8
	opset     = 13

	elemFloat, elemUint8, elemInt8 = 1, 2, 3
	attributeInt                   = 2
)

// anySize is a dimension that each run may choose.
const anySize = -1

// floatGraph multiplies: s[b, n] = q[b, dimensions] x[n, dimensions]^T.
func floatGraph(dimensions int) []byte {
	return model(
		[][]byte{node("Gemm", []string{"q", "x"}, "s", intAttribute("transB", 1))}, nil,
		[][]byte{value("q", elemFloat, anySize, dimensions), value("x", elemFloat, anySize, dimensions)},
		value("s", elemFloat, anySize, anySize),
	)
}

// heldFloatGraph is floatGraph with the rows in it.
func heldFloatGraph(rows []float32, dimensions int) []byte {
	n := len(rows) / dimensions
	return model(
		[][]byte{node("Gemm", []string{"q", "x"}, "s", intAttribute("transB", 1))},
		[][]byte{tensor("x", elemFloat, floatBytes(rows), n, dimensions)},
		[][]byte{value("q", elemFloat, anySize, dimensions)},
		value("s", elemFloat, anySize, n),
	)
}

// heldCodesGraph multiplies queries' codes with the rows' codes in it: s[b, n] = (q[b, dimensions] - 64) x * scales.
func heldCodesGraph(z quantised, dimensions int) []byte {
	n := len(z.scales)
	return model(
		[][]byte{
			node("MatMulInteger", []string{"q", "x", "zero"}, "i"),
			node("Cast", []string{"i"}, "f", intAttribute("to", elemFloat)),
			node("Mul", []string{"f", "scales"}, "s"),
		},
		[][]byte{
			tensor("x", elemInt8, z.codes, dimensions, n),
			tensor("zero", elemUint8, []byte{queryZero}),
			tensor("scales", elemFloat, floatBytes(z.scales), n),
		},
		[][]byte{value("q", elemUint8, anySize, dimensions)},
		value("s", elemFloat, anySize, n),
	)
}

func model(nodes, initializers, inputs [][]byte, output []byte) []byte {
	var graph []byte
	for _, n := range nodes {
		graph = message(graph, 1, n)
	}
	graph = text(graph, 2, "gallery")
	for _, t := range initializers {
		graph = message(graph, 5, t)
	}
	for _, v := range inputs {
		graph = message(graph, 11, v)
	}
	graph = message(graph, 12, output)

	m := number(nil, 1, irVersion)
	m = message(m, 7, graph)
	return message(m, 8, number(nil, 2, opset))
}

func node(op string, inputs []string, output string, attributes ...[]byte) []byte {
	var n []byte
	for _, in := range inputs {
		n = text(n, 1, in)
	}
	n = text(n, 2, output)
	n = text(n, 4, op)
	for _, a := range attributes {
		n = message(n, 5, a)
	}
	return n
}

func intAttribute(name string, v uint64) []byte {
	return number(number(text(nil, 1, name), 3, v), 20, attributeInt)
}

func tensor(name string, elem uint64, raw []byte, shape ...int) []byte {
	var t []byte
	for _, d := range shape {
		t = number(t, 1, uint64(d))
	}
	t = number(t, 2, elem)
	t = text(t, 8, name)
	return message(t, 9, raw)
}

func value(name string, elem uint64, shape ...int) []byte {
	var dims []byte
	for i, d := range shape {
		dim := number(nil, 1, uint64(d))
		if d == anySize {
			dim = text(nil, 2, name+string(rune('0'+i)))
		}
		dims = message(dims, 1, dim)
	}
	t := message(number(nil, 1, elem), 2, dims)
	return message(text(nil, 1, name), 2, message(nil, 1, t))
}

func message(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func text(b []byte, field protowire.Number, v string) []byte { return message(b, field, []byte(v)) }

func number(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}
