package text

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// darkness is a text detector without weights: its map is how dark a cell's pixels are.
type darkness struct {
	stride int
	fault  func(pipeline.Tensors)
	err    error
	runs   int
	shapes [][]int64
}

func (d *darkness) Signature() pipeline.Signature {
	return pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "x", DType: pipeline.Float32, Shape: []int64{-1, 3, -1, -1}}},
		Outputs: []pipeline.TensorInfo{{Name: "maps", DType: pipeline.Float32, Shape: []int64{-1, 1, -1, -1}}},
	}
}

func (d *darkness) Close() error { return nil }

func (d *darkness) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if err := ctx.Err(); err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.ReasonOf(err), Err: err}
	}
	if d.err != nil {
		return nil, d.err
	}
	if err := d.Signature().Check(in); err != nil {
		return nil, err
	}
	x := in["x"]
	d.runs++
	d.shapes = append(d.shapes, x.Shape)
	h, w := int(x.Shape[2]), int(x.Shape[3])
	mh, mw := h/d.stride, w/d.stride
	out := make([]float32, mh*mw)
	for y := range mh {
		for c := range mw {
			sum := float32(0)
			for i := range d.stride * d.stride {
				sum += 1 - x.Float32[(y*d.stride+i/d.stride)*w+c*d.stride+i%d.stride]
			}
			out[y*mw+c] = sum / float32(d.stride*d.stride)
		}
	}
	result := pipeline.Tensors{"maps": {Shape: []int64{1, 1, int64(mh), int64(mw)}, Float32: out}}
	if d.fault != nil {
		d.fault(result)
	}
	return result, nil
}

func darkEntry(p models.Parameters) models.Entry {
	return models.Entry{ID: "darkness", Family: models.FamilyDBNet, Parameters: p,
		Inputs:     []models.TensorSpec{{Name: "x", Layout: "NCHW", Color: "BGR", Scale: 1.0 / 255, MultipleOf: 32}},
		Thresholds: []models.Threshold{{Name: "pixel", Value: 0.4}, {Name: "box", Value: 0.5}}}
}

func darkDetector(t require.TestingT, d *darkness, p models.Parameters) *Detector {
	if p == nil {
		p = models.Parameters{}
	}
	p["map_stride"] = d.stride
	det, err := NewDetector(d, darkEntry(p))
	require.NoError(t, err)
	return det
}

// sheet returns white paper with black bars.
func sheet(width, height int, bars ...ocr.Box) *imaging.Raster {
	r := imaging.NewRaster(width, height)
	for i := range r.Pix {
		r.Pix[i] = 255
	}
	for _, b := range bars {
		fill(r, b, 0)
	}
	return r
}

func fill(r *imaging.Raster, b ocr.Box, gray byte) {
	for y := int(b.Y); y < int(b.Y+b.H); y++ {
		row := r.Row(y)
		for i := 3 * int(b.X); i < 3*int(b.X+b.W); i++ {
			row[i] = gray
		}
	}
}

var background = context.Background()

func TestDetectFindsLinesInPicturePixels(t *testing.T) {
	bars := []ocr.Box{{X: 100, Y: 60, W: 400, H: 16}, {X: 80, Y: 200, W: 300, H: 24}, {X: 560, Y: 120, W: 20, H: 240}}
	for _, size := range [][2]int{{640, 480}, {630, 470}} {
		for _, stride := range []int{1, 2, 4} {
			d := darkDetector(t, &darkness{stride: stride}, models.Parameters{"shrink_ratio": 0.9})
			got, err := d.Detect(background, sheet(size[0], size[1], bars...), DetectOptions{})
			require.NoError(t, err)
			require.Len(t, got, 3)
			for _, want := range bars {
				g := nearest(got, want)
				grown := float32(unclip(float64(want.W), float64(want.H), 0, 0.9))
				b := g.Polygon.Bounds()
				tolerance := 2.5 * float64(stride)
				assert.InDelta(t, want.X-grown, b.X, tolerance)
				assert.InDelta(t, want.Y-grown, b.Y, tolerance)
				assert.InDelta(t, want.W+2*grown, b.W, 2*tolerance)
				assert.InDelta(t, want.H+2*grown, b.H, 2*tolerance)
				assert.Equal(t, want.H > want.W, g.Vertical)
				assert.Greater(t, g.Score, float32(0.5))
			}
		}
	}
}

func nearest(all []Region, b ocr.Box) Region {
	best, d := all[0], float32(math.Inf(1))
	for _, g := range all {
		q := g.Polygon.Bounds()
		if e := (q.X+q.W/2-b.X-b.W/2)*(q.X+q.W/2-b.X-b.W/2) + (q.Y+q.H/2-b.Y-b.H/2)*(q.Y+q.H/2-b.Y-b.H/2); e < d {
			best, d = g, e
		}
	}
	return best
}

// Large pages are read in tiles; what crosses the cuts is found once and whole.
func TestTilesGiveWhatTheWholeGives(t *testing.T) {
	var bars []ocr.Box
	for i := range 30 {
		bars = append(bars, ocr.Box{X: 100, Y: float32(80 + 90*i), W: 1800, H: 20})
	}
	page := sheet(2000, 2830, bars...)
	p := models.Parameters{"long_side": 4000, "shrink_ratio": 0.9}
	whole := &darkness{stride: 2}
	want, err := darkDetector(t, whole, models.Parameters{"long_side": 4000, "shrink_ratio": 0.9, "tile": 4096}).Detect(background, page, DetectOptions{})
	require.NoError(t, err)
	require.Len(t, want, len(bars))
	require.Equal(t, 1, whole.runs)
	for _, tile := range []int{640, 1024, 1600} {
		p["tile"] = tile
		x := &serial{darkness: darkness{stride: 2}, gate: make(chan struct{}, 1)}
		p["map_stride"] = 2
		d, err := NewDetector(x, darkEntry(p))
		require.NoError(t, err)
		got, err := d.Detect(background, page, DetectOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, got, "tiles of %d", tile)
		assert.Greater(t, x.runs, 3)
		for _, s := range x.shapes {
			assert.LessOrEqual(t, max(s[2], s[3]), int64(tile))
		}
	}
}

// packed is the scripted detector behind a tensor of bytes, two by two pixels a place.
type packed struct{ serial }

func (d *packed) Signature() pipeline.Signature {
	sig := d.serial.Signature()
	sig.Inputs = []pipeline.TensorInfo{{Name: "x", DType: pipeline.Uint8, Shape: []int64{-1, -1, -1, 12}}}
	return sig
}

func (d *packed) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if err := d.Signature().Check(in); err != nil {
		return nil, err
	}
	x := in["x"]
	w, h := 2*int(x.Shape[2]), 2*int(x.Shape[1])
	values := make([]float32, 3*w*h)
	for i := range values {
		c, y, col := i/w/h, i/w%h, i%w
		values[i] = float32(x.Uint8[((y/2)*(w/2)+col/2)*12+(y%2*2+col%2)*3+c]) / 255
	}
	return d.serial.Run(ctx, pipeline.Tensors{"x": {Shape: []int64{x.Shape[0], 3, int64(h), int64(w)}, Float32: values}})
}

func packedEntry(p models.Parameters) models.Entry {
	e := darkEntry(p)
	e.Inputs[0].DType, e.Inputs[0].Layout, e.Inputs[0].Step, e.Inputs[0].Block = "uint8", "NHWC", 1./255, 2
	return e
}

func TestBytesGiveWhatFloatsGive(t *testing.T) {
	page := sheet(900, 1300, ocr.Box{X: 100, Y: 60, W: 400, H: 16}, ocr.Box{X: 80, Y: 200, W: 700, H: 24}, ocr.Box{X: 560, Y: 320, W: 20, H: 240})
	want, err := darkDetector(t, &darkness{stride: 2}, models.Parameters{"long_side": 1280}).Detect(background, page, DetectOptions{})
	require.NoError(t, err)
	require.Len(t, want, 3)
	for _, tile := range []int{640, 1600} {
		d, err := NewDetector(&packed{serial{darkness: darkness{stride: 2}, gate: make(chan struct{}, 1)}},
			packedEntry(models.Parameters{"long_side": 1280, "map_stride": 2, "tile": tile}))
		require.NoError(t, err)
		got, err := d.Detect(background, page, DetectOptions{})
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range got {
			assert.Equal(t, want[i].Polygon, got[i].Polygon, "tiles of %d", tile)
			assert.InDelta(t, want[i].Score, got[i].Score, 1e-3) // grey edges of the bars lose half a level
		}
	}
	for says, change := range map[string]func(*models.Entry){
		"layout":       func(e *models.Entry) { e.Inputs[0].Layout = "NCHW" },
		"block":        func(e *models.Entry) { e.Inputs[0].Block = 4 },
		"does not say": func(e *models.Entry) { e.Inputs = nil },
	} {
		e := packedEntry(nil)
		change(&e)
		_, err := NewDetector(&packed{}, e)
		require.ErrorContains(t, err, says)
	}
}

// serial makes the scripted detector safe for the two tiles that run at a time.
type serial struct {
	darkness
	gate chan struct{}
}

func (s *serial) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	s.gate <- struct{}{}
	defer func() { <-s.gate }()
	return s.darkness.Run(ctx, in)
}

func TestCanvasAndTiles(t *testing.T) {
	s := scaling{longSide: 960, shortSide: 640, enlargeBelow: 320, maxShrink: 3, tile: 1600, multiple: 32}
	for _, c := range []struct{ w, h, cw, ch int }{
		{1240, 1754, 672, 960}, {4961, 3508, 1664, 1184}, {1, 1, 32, 32}, {200, 40, 416, 96}, {1080, 20000, 640, 11840}, {960, 640, 960, 640}, {2000, 30, 2016, 32},
	} {
		got := s.canvas(c.w, c.h, s.scale(c.w, c.h))
		assert.Equal(t, [2]int{c.cw, c.ch}, [2]int{got.width, got.height}, "%dx%d", c.w, c.h)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := s
		s.tile = rapid.IntRange(128, 2000).Draw(t, "tile")
		side := 32 * rapid.IntRange(1, 300).Draw(t, "side")
		at := 0
		for _, c := range s.cuts(side) {
			if c.keepFrom != at || c.keepTo <= c.keepFrom || c.from < 0 || c.to > side || c.keepFrom < c.from || c.keepTo > c.to || c.to-c.from > s.tile ||
				c.from%32 != 0 || c.to%32 != 0 || c.keepFrom%32 != 0 || c.keepTo%32 != 0 {
				t.Fatalf("cuts of %d: %+v", side, s.cuts(side))
			}
			at = c.keepTo
		}
		if at != side {
			t.Fatalf("cuts of %d end at %d", side, at)
		}
	})
}

// A page of small print is looked at once more, larger.
func TestSmallPrintIsShownLarger(t *testing.T) {
	var bars []ocr.Box
	for i := range 20 {
		bars = append(bars, ocr.Box{X: 200, Y: float32(100 + 40*i), W: 1200, H: 12})
	}
	x := &serial{darkness: darkness{stride: 2}, gate: make(chan struct{}, 1)}
	d, err := NewDetector(x, darkEntry(models.Parameters{"map_stride": 2, "shrink_ratio": 0.95, "min_line": 11, "min_side": 1}))
	require.NoError(t, err)
	got, err := d.Detect(background, sheet(1600, 1200, bars...), DetectOptions{})
	require.NoError(t, err)
	require.Len(t, got, 20)
	require.Equal(t, []int64{1, 3, 736, 960}, x.shapes[0])
	require.Equal(t, []int64{1, 3, 1216, 1600}, x.shapes[1])
	_, err = d.Detect(background, sheet(1600, 1200, ocr.Box{X: 100, Y: 100, W: 1000, H: 40}), DetectOptions{})
	require.NoError(t, err)
	require.Equal(t, 3, x.runs, "large print is seen well enough")
}

func TestDetectRefusesAndFails(t *testing.T) {
	page := sheet(320, 320, ocr.Box{X: 40, Y: 40, W: 200, H: 20})
	plain := darkDetector(t, &darkness{stride: 1}, nil)
	for _, score := range []float32{-1, 2, float32(math.NaN())} {
		_, err := plain.Detect(background, page, DetectOptions{MinScore: score})
		e, ok := refusal.As(err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "min_score", e.Field)
	}
	_, err := plain.Detect(background, sheet(320, 320, ocr.Box{X: 40, Y: 40, W: 200, H: 20}, ocr.Box{X: 40, Y: 140, W: 200, H: 20}), DetectOptions{MaxLines: 1})
	e, ok := refusal.As(err)
	require.True(t, ok)
	assert.Equal(t, refusal.TooLarge, e.Reason)
	_, err = plain.Detect(background, &imaging.Raster{Width: 3, Height: 3}, DetectOptions{})
	require.ErrorContains(t, err, "needs 27 bytes")
	got, err := plain.Detect(background, sheet(200, 200), DetectOptions{})
	require.NoError(t, err)
	require.Empty(t, got)

	full := &pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("queue full")}
	_, err = darkDetector(t, &darkness{stride: 1, err: full}, nil).Detect(background, page, DetectOptions{})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	canceled, cancel := context.WithCancel(background)
	cancel()
	_, err = plain.Detect(canceled, page, DetectOptions{})
	assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(err))
	for name, fault := range map[string]func(pipeline.Tensors){
		"another size": func(out pipeline.Tensors) {
			out["maps"] = pipeline.Tensor{Shape: []int64{1, 1, 1, 1}, Float32: []float32{0}}
		},
		"missing":      func(out pipeline.Tensors) { delete(out, "maps") },
		"not a number": func(out pipeline.Tensors) { out["maps"].Float32[77] = float32(math.NaN()) },
	} {
		_, err := darkDetector(t, &darkness{stride: 1, fault: fault}, nil).Detect(background, page, DetectOptions{})
		require.Error(t, err, name)
		assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err), name)
	}
}

func TestNewDetectorChecksTheEntry(t *testing.T) {
	for says, change := range map[string]func(*models.Entry){
		"family":       func(e *models.Entry) { e.Family = models.FamilyAngle },
		"map_stride 3": func(e *models.Entry) { e.Parameters = models.Parameters{"map_stride": 3} },
		"shrink_ratio": func(e *models.Entry) { e.Parameters = models.Parameters{"shrink_ratio": 1} },
		"unclip_ratio": func(e *models.Entry) { e.Parameters = models.Parameters{"unclip_ratio": -1} },
		"long_side":    func(e *models.Entry) { e.Parameters = models.Parameters{"long_side": 5} },
		"max_shrink":   func(e *models.Entry) { e.Parameters = models.Parameters{"max_shrink": 0.5} },
		"layout":       func(e *models.Entry) { e.Inputs[0].Layout = "NHWC" },
	} {
		e := darkEntry(nil)
		change(&e)
		_, err := NewDetector(&darkness{stride: 1}, e)
		require.ErrorContains(t, err, says)
	}
}
