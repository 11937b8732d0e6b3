package models

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/courtsense/courtsense/internal/testinput"
)

// TestCatalogueMatchesGraphs reads names, element types and shapes from the published ONNX files and holds the catalogue
// to them, so that an entry can't be a guess.
func TestCatalogueMatchesGraphs(t *testing.T) {
	s, err := Open(nil, testinput.SharedModels(t), WithTessdata())
	require.NoError(t, err)
	checked := 0
	for _, e := range s.Catalog().Models {
		a, err := s.Resolve(e.ID)
		if errors.Is(err, ErrUnavailable) || e.System || e.Family == FamilyLSTMLM || e.Family == FamilyNGramLM {
			continue
		}
		require.NoError(t, err)
		t.Run(e.ID, func(t *testing.T) {
			b, err := a.Bytes(RoleModel)
			require.NoError(t, err)
			inputs, outputs, err := onnxSignature(b)
			require.NoError(t, err)
			requireFits(t, inputs, e.Inputs)
			requireFits(t, outputs, e.Outputs)
		})
		checked++
	}
	require.Positive(t, checked)
}

type onnxTensor struct {
	dtype string
	shape []int64
}

// requireFits allows the catalogue to know a dimension that the graph leaves open, never the other way round.
func requireFits(t *testing.T, graph map[string]onnxTensor, specs []TensorSpec) {
	t.Helper()
	require.Len(t, specs, len(graph))
	for _, spec := range specs {
		g, ok := graph[spec.Name]
		require.True(t, ok, "the graph has no %q", spec.Name)
		require.Equal(t, g.dtype, spec.DType, spec.Name)
		require.Len(t, spec.Shape, len(g.shape), spec.Name)
		for i, d := range g.shape {
			require.True(t, d == spec.Shape[i] || d == -1, "%s: the graph says %v, the catalogue %v", spec.Name, g.shape, spec.Shape)
		}
	}
}

// onnxSignature reads graph inputs and outputs by the field numbers of onnx.proto: ModelProto.graph 7; GraphProto
// initializer 5, input 11, output 12; ValueInfoProto name 1, type 2; TypeProto.tensor_type 1; elem_type 1, shape 2;
// dim 1; dim_value 1.
func onnxSignature(b []byte) (in, out map[string]onnxTensor, err error) {
	in, out = map[string]onnxTensor{}, map[string]onnxTensor{}
	var constants []string
	err = walk(b, func(n protowire.Number, graph []byte, _ uint64) error {
		if n != 7 {
			return nil
		}
		return walk(graph, func(n protowire.Number, v []byte, _ uint64) error {
			switch n {
			case 5:
				return walk(v, func(n protowire.Number, name []byte, _ uint64) error {
					if n == 8 {
						constants = append(constants, string(name))
					}
					return nil
				})
			case 11:
				return valueInfo(v, in)
			case 12:
				return valueInfo(v, out)
			}
			return nil
		})
	})
	for _, name := range constants {
		delete(in, name)
	}
	return in, out, err
}

func valueInfo(b []byte, into map[string]onnxTensor) error {
	var name string
	t := onnxTensor{shape: []int64{}}
	err := walk(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			name = string(v)
		case 2:
			return walk(v, func(_ protowire.Number, tensor []byte, _ uint64) error {
				return walk(tensor, func(n protowire.Number, v []byte, elem uint64) error {
					if n == 1 {
						t.dtype = map[uint64]string{1: "float32", 2: "uint8", 7: "int64"}[elem]
						return nil
					}
					return walk(v, func(_ protowire.Number, dim []byte, _ uint64) error {
						size := int64(-1)
						err := walk(dim, func(n protowire.Number, _ []byte, value uint64) error {
							if n == 1 {
								size = int64(value)
							}
							return nil
						})
						t.shape = append(t.shape, size)
						return err
					})
				})
			})
		}
		return nil
	})
	into[name] = t
	return err
}

// walk calls do for every field: bytes for length-delimited ones, number for varints.
func walk(b []byte, do func(n protowire.Number, v []byte, number uint64) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var v []byte
		var number uint64
		switch typ {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := do(num, v, number); err != nil {
			return err
		}
	}
	return nil
}
