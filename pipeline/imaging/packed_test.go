package imaging

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
)

// Bytes are the tensor's values, rounded as ONNX's QuantizeLinear rounds, two by two pixels a place.
func TestPackedBytesAreTheQuantisedTensor(t *testing.T) {
	for _, size := range [][4]int{{70, 50, 64, 32}, {64, 32, 64, 32}, {20, 11, 32, 16}, {200, 210, 64, 32}} {
		for _, rgb := range []bool{false, true} {
			name := fmt.Sprint(size, rgb)
			r := noise(size[0], size[1])
			s := Spec{Width: size[2], Height: size[3], RGB: rgb, Scale: 1. / 255, Mean: [3]float32{.485, .456, .406}, Std: [3]float32{.229, .224, .225}}
			p := Packing{Step: 0.0186, ZeroPoint: 114}
			values, packed := make([]float32, s.Elements()), make([]byte, s.Elements())
			_, err := ToTensor(values, r, s)
			require.NoError(t, err)
			require.NoError(t, ToBytes(packed, r, s, p))
			for i, v := range values {
				x, y, c := i%s.Width, i/s.Width%s.Height, i/s.Width/s.Height
				want := min(max(math.RoundToEven(float64(v/p.Step))+float64(p.ZeroPoint), 0), 255)
				got := packed[((y/2)*(s.Width/2)+x/2)*12+(y%2*2+x%2)*3+c]
				require.Equal(t, byte(want), got, "%s: channel %d of %d, %d", name, c, x, y)
			}
		}
	}
}

func TestPackedBytesRefuse(t *testing.T) {
	r := noise(8, 8)
	good := Spec{Width: 4, Height: 4}
	p := Packing{Step: 1}
	assert.ErrorContains(t, ToBytes(make([]byte, 47), r, good, p), "has 47")
	assert.ErrorContains(t, ToBytes(make([]byte, 48), r, Spec{Width: 3, Height: 4}, p), "even sides")
	assert.ErrorContains(t, ToBytes(make([]byte, 48), r, Spec{Width: 4, Height: 4, Fit: Letterbox}, p), "no letterbox")
	assert.ErrorContains(t, ToBytes(make([]byte, 48), r, good, Packing{}), "step")
	assert.Error(t, ToBytes(make([]byte, 48), &Raster{}, good, p))
	assert.NoError(t, ToBytes(make([]byte, 48), r, good, p))
}

func TestPackingIsConfigured(t *testing.T) {
	var p Packing
	require.NoError(t, p.Configure(models.TensorSpec{Block: 2, Step: .5, ZeroPoint: 7}))
	assert.Equal(t, Packing{Step: .5, ZeroPoint: 7}, p)
	for _, in := range []models.TensorSpec{{Block: 3, Step: 1}, {Block: 2}, {Block: 2, Step: 1, ZeroPoint: 256}, {Block: 2, Step: 1, ZeroPoint: -1}} {
		assert.Error(t, p.Configure(in))
	}
}
