package face

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// around cuts a square about the box out of r, its side the box's longer one times grow, and scales it to size; what lies
// outside is black. It returns the cut's corner and scale.
func around(r *imaging.Raster, b Box, grow float32, size int) (out *imaging.Raster, x0, y0, scale float32) {
	side := int(grow * max(b.W, b.H))
	c := b.Center()
	x, y := int(c.X)-side/2, int(c.Y)-side/2
	square := imaging.NewRaster(side, side)
	for row := range side {
		for column := range side {
			if sx, sy := column+x, row+y; sx >= 0 && sy >= 0 && sx < r.Width && sy < r.Height {
				copy(square.Row(row)[3*column:3*column+3], r.Row(sy)[3*sx:3*sx+3])
			}
		}
	}
	return imaging.Resize(square, size, size), float32(x), float32(y), float32(size) / float32(side)
}

// Faces that fill the picture and faces of 20 pixels are found where they are.
func TestFindsFacesOfEverySize(t *testing.T) {
	d, _ := yunet(t)
	pictures := portraits(t, 20, 75)
	for name, c := range map[string]struct {
		grow    float32 // the picture's side over the face's
		size    int
		maxSide int
		floor   float64 // share that must be found
	}{
		"fills 250 px":             {1.05, 250, 0, 0.95},
		"fills 640 px":             {1.05, 640, 0, 0.95},
		"fills 2000 px":            {1.05, 2000, 0, 0.95},
		"larger than the picture":  {0.85, 640, 0, 0.9},
		"28 px in 640 px":          {23, 640, 0, 0.95},
		"20 px in 200 px":          {10, 200, 0, 0.95},
		"20 px in 640 px, doubled": {32, 640, 1280, 0.95},
		"14 px in 200 px":          {14.3, 200, 0, 0.95},
		"10 px in 200 px":          {20, 200, 0, 0.7},
		"half of the picture, 4 K": {2, 4000, 0, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			found := 0
			for _, r := range pictures {
				faces, err := d.Detect(t.Context(), r, DetectOptions{})
				require.NoError(t, err)
				main, ok := mainFace(faces)
				require.True(t, ok)
				cut, x, y, scale := around(r, main.Box, c.grow, c.size)
				want := Box{(main.Box.X - x) * scale, (main.Box.Y - y) * scale, main.Box.W * scale, main.Box.H * scale}.clip(cut.Width, cut.Height)
				got, err := d.Detect(t.Context(), cut, DetectOptions{MaxSide: c.maxSide})
				require.NoError(t, err)
				if slices.ContainsFunc(got, func(f Detection) bool { return f.Box.IoU(want) > 0.5 }) {
					found++
				}
			}
			t.Logf("%d of %d", found, len(pictures))
			assert.GreaterOrEqual(t, float64(found), c.floor*float64(len(pictures)))
		})
	}
}

func TestAMirrorImageHasTheMirroredFace(t *testing.T) {
	d, _ := yunet(t)
	for name, r := range portraits(t, 8, 150) {
		plain, err := d.Detect(t.Context(), r, DetectOptions{})
		require.NoError(t, err)
		a, ok := mainFace(plain)
		require.True(t, ok, name)
		mirrored, err := d.Detect(t.Context(), imaging.Orient(r, 2), DetectOptions{})
		require.NoError(t, err)
		b, ok := mainFace(mirrored)
		require.True(t, ok, name)
		assert.Greater(t, Box{250 - b.Box.X - b.Box.W, b.Box.Y, b.Box.W, b.Box.H}.IoU(a.Box), float32(0.8), name)
		// Who is mirrored has the right eye where the left one was: the landmarks keep to the face that is seen.
		assert.InDelta(t, a.Landmarks[LeftEye].X, 250-b.Landmarks[RightEye].X, float64(0.08*a.Box.W), name)
		assert.InDelta(t, PoseOf(a.Landmarks).Yaw, -PoseOf(b.Landmarks).Yaw, 12, name)
	}
}

// A face that is cut by the edge keeps landmarks outside of the picture, and its box ends at the edge.
func TestAFaceCutByTheEdge(t *testing.T) {
	d, _ := yunet(t)
	found, total := 0, 0
	for _, r := range portraits(t, 12, 120) {
		faces, err := d.Detect(t.Context(), r, DetectOptions{})
		require.NoError(t, err)
		main, ok := mainFace(faces)
		require.True(t, ok)
		cut := r.Crop(int(main.Box.X+0.3*main.Box.W), 0, r.Width, r.Height)
		got, err := d.Detect(t.Context(), cut, DetectOptions{})
		require.NoError(t, err)
		total++
		for _, f := range got {
			assert.GreaterOrEqual(t, f.Box.X, float32(0))
			assert.GreaterOrEqual(t, f.Box.Y, float32(0))
			assert.LessOrEqual(t, f.Box.X+f.Box.W, float32(cut.Width)+1e-3)
			if f.Box.X < 3 && f.Box.H > 0.6*main.Box.H {
				found++
				break
			}
		}
	}
	t.Logf("%d of %d faces without their right third found", found, total)
	assert.GreaterOrEqual(t, 10*found, 8*total)
}

func TestNoFaceInDarknessAndDrawings(t *testing.T) {
	d, _ := yunet(t)
	smiley := imaging.NewRaster(400, 400)
	for i := range smiley.Pix {
		smiley.Pix[i] = 255
	}
	draw.Dot(smiley, draw.Point{X: 200, Y: 200}, draw.Orange, 120)
	for _, eye := range []float64{155, 245} {
		draw.Dot(smiley, draw.Point{X: eye, Y: 165}, draw.Blue, 14)
	}
	draw.Line(smiley, draw.Point{X: 150, Y: 255}, draw.Point{X: 200, Y: 275}, draw.Red, 8)
	draw.Line(smiley, draw.Point{X: 200, Y: 275}, draw.Point{X: 250, Y: 255}, draw.Red, 8)
	for name, r := range map[string]*imaging.Raster{"black": imaging.NewRaster(1280, 720), "smiley": smiley} {
		for _, any := range []bool{false, true} {
			faces, err := d.Detect(t.Context(), r, DetectOptions{AnyOrientation: any})
			require.NoError(t, err)
			assert.Empty(t, faces, fmt.Sprintf("%s, any orientation %v", name, any))
		}
	}
}
