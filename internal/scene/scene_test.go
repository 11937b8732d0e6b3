package scene

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

func TestAHeadIsWhereTheScriptSays(t *testing.T) {
	portrait := imaging.NewRaster(200, 200)
	for i := range portrait.Pix {
		portrait.Pix[i] = 255
	}
	s := New(640, 360, 1)
	head := NewHead(portrait, face.Box{X: 60, Y: 60, W: 80, H: 100})
	s.Walkers = []Walker{{Name: "a", Head: head, Spots: []Spot{{0, 100, 180, 60}, {2 * time.Second, 300, 180, 60}, {3 * time.Second, 300, 180, 60}}}}
	assert.Equal(t, 3*time.Second, s.Length())
	bright := func(r *imaging.Raster, x int) bool { return r.Row(180)[3*x] > 240 }
	for at, x := range map[time.Duration]int{0: 100, time.Second: 200, 2500 * time.Millisecond: 300} {
		r := s.Frame(at)
		require.True(t, bright(r, x), "%v", at)
		assert.False(t, bright(r, x+80))
		assert.False(t, bright(r, x-80))
	}
	assert.False(t, bright(s.Frame(4*time.Second), 300), "gone")
	assert.Equal(t, s.Frame(time.Second).Pix, s.Frame(time.Second).Pix)
	assert.NotEqual(t, s.Frame(4*time.Second).Pix, s.Frame(5*time.Second).Pix, "a camera's pictures are never the same")
	s.Walkers[0].Head = head.Print()
	assert.True(t, bright(s.Frame(0), 100))
}
