package face

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMainFaceIsLargeAndCentral(t *testing.T) {
	at := func(x, y, side float32) Detection {
		return Detection{Box: Box{X: x - side/2, Y: y - side/2, W: side, H: side}}
	}
	assert.Equal(t, -1, Main(nil, 100, 100))
	for _, c := range []struct {
		name  string
		faces []Detection
		want  int
	}{
		{"the larger of two in the middle", []Detection{at(50, 50, 20), at(50, 50, 30)}, 1},
		{"the central one of equals", []Detection{at(20, 50, 30), at(55, 50, 30)}, 1},
		{"a much larger one at the side", []Detection{at(50, 50, 10), at(70, 50, 60)}, 1},
		{"the first of equals", []Detection{at(50, 50, 10), at(50, 50, 10)}, 0},
	} {
		assert.Equal(t, c.want, Main(c.faces, 100, 100), c.name)
	}
}
