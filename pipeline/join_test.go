package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever the ranks, types, axes and rows: splitting what was joined gives back the parts.
func TestJoinSplitProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sig Signature
		axes := map[string]int{}
		fixed := map[string][]int64{}
		for i := range rapid.IntRange(1, 4).Draw(t, "tensors") {
			name := fmt.Sprintf("t%d", i)
			rank := rapid.IntRange(0, 4).Draw(t, "rank")
			axis := rapid.IntRange(-1, rank-1).Draw(t, "axis")
			info := TensorInfo{Name: name, DType: rapid.SampledFrom([]DType{Float32, Int64, Uint8}).Draw(t, "type"), Shape: make([]int64, rank)}
			dims := make([]int64, rank)
			for d := range dims {
				dims[d] = int64(rapid.IntRange(0, 3).Draw(t, "dim"))
				info.Shape[d] = -1
			}
			axes[name], fixed[name] = axis, dims
			sig.Inputs = append(sig.Inputs, info)
		}
		sig.Outputs = sig.Inputs
		j := newJoiner(sig, axes, new(BufferPool))

		var parts []Tensors
		var counts []int
		rows, next := 0, 0
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			n := rapid.IntRange(1, 4).Draw(t, "rows")
			part := Tensors{}
			for _, info := range sig.Inputs {
				tensor := Tensor{Shape: slices.Clone(fixed[info.Name])}
				if axis := axes[info.Name]; axis >= 0 {
					tensor.Shape[axis] = int64(n)
				} else if len(parts) > 0 {
					part[info.Name] = parts[0][info.Name] // equal contents are what the class demands
					continue
				}
				size := tensor.Elements()
				switch info.DType {
				case Float32:
					tensor.Float32 = make([]float32, size)
					for i := range tensor.Float32 {
						next++
						tensor.Float32[i] = float32(next)
					}
				case Int64:
					tensor.Int64 = make([]int64, size)
					for i := range tensor.Int64 {
						next++
						tensor.Int64[i] = int64(next)
					}
				case Uint8:
					tensor.Uint8 = make([]uint8, size)
					for i := range tensor.Uint8 {
						next++
						tensor.Uint8[i] = uint8(next)
					}
				}
				part[info.Name] = tensor
			}
			require.NoError(t, sig.Check(part))
			parts, counts, rows = append(parts, part), append(counts, n), rows+n
		}
		first, ok := j.class(parts[0])
		for _, p := range parts {
			key, ok2 := j.class(p)
			require.Equal(t, ok, ok2)
			require.Equal(t, first, key, "equal but for the rows")
		}
		joined := j.join(parts, rows)
		require.NoError(t, sig.Check(joined))
		got, err := j.split(joined, counts, rows)
		require.NoError(t, err)
		for i := range parts {
			for name, want := range parts[i] {
				require.Equal(t, want.Shape, got[i][name].Shape)
				require.True(t, slices.Equal(want.Float32, got[i][name].Float32) && slices.Equal(want.Int64, got[i][name].Int64) &&
					slices.Equal(want.Uint8, got[i][name].Uint8), "%s of request %d", name, i)
				require.Equal(t, want.DType(), got[i][name].DType())
			}
		}
	})
}

func TestBufferPool(t *testing.T) {
	for _, n := range []int{0, 1, 1023, 1024, 1025, 1280, 1281, 1 << 20, 1<<20 + 1, 1<<21 - 1} {
		class, size := bufferClass(n)
		if n == 0 {
			require.Negative(t, class)
			continue
		}
		require.GreaterOrEqual(t, size, n)
		require.LessOrEqual(t, size, max(n*5/4+1, 1<<minBufferBits), "little slack for %d", n)
		again, same := bufferClass(size)
		require.Equal(t, []int{class, size}, []int{again, same}, "a class's size is of its class")
	}
	class, _ := bufferClass(1 << 40)
	require.Negative(t, class, "too big to keep")

	var p BufferPool
	p.Put(nil)
	p.Put(make([]float32, 1500)) // of no class: forgotten
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5000).Draw(t, "n")
		buf := p.Get(n)
		require.Len(t, buf, n)
		p.Put(buf)
	})
}
