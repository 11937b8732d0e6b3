package reader

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var background = context.Background()

// stages are scripted: a page with black marks, each of which is a "line" of its place and size.
type stages struct {
	enhanced    *ocr.Enhanced
	orientation ocr.Orientation
	confidence  func(text.Region) float32
	err         map[string]error
	calls       []string
	seen        *imaging.Raster // by the detector
	options     text.ReadOptions
}

func (s *stages) call(name string) error {
	s.calls = append(s.calls, name)
	return s.err[name]
}

func (s *stages) Enhance(_ context.Context, r *imaging.Raster, _ ocr.EnhanceOptions) (ocr.Enhanced, error) {
	if s.enhanced != nil {
		return *s.enhanced, s.call("enhance")
	}
	return ocr.Enhanced{Picture: r, ToOriginal: ocr.Identity}, s.call("enhance")
}

func (s *stages) DetectOrientation(context.Context, *imaging.Raster, bool) (ocr.Orientation, error) {
	return s.orientation, s.call("orient")
}

// Detect finds the upright boxes of black rectangles.
func (s *stages) Detect(_ context.Context, r *imaging.Raster, _ text.DetectOptions) ([]text.Region, error) {
	s.seen = r
	var out []text.Region
	seen := make([]bool, r.Width*r.Height)
	for i := range seen {
		x, y := i%r.Width, i/r.Width
		if seen[i] || r.Row(y)[3*x] > 100 {
			continue
		}
		w, h := 0, 0
		for x+w < r.Width && r.Row(y)[3*(x+w)] <= 100 {
			w++
		}
		for y+h < r.Height && r.Row(y + h)[3*x] <= 100 {
			h++
		}
		for k := range h {
			for j := range w {
				seen[(y+k)*r.Width+x+j] = true
			}
		}
		b := ocr.Box{X: float32(x), Y: float32(y), W: float32(w), H: float32(h)}
		out = append(out, text.Region{Polygon: b.Polygon(), Vertical: h > w})
	}
	return out, s.call("detect")
}

func (s *stages) Turn(_ context.Context, _ *imaging.Raster, regions []text.Region) ([]text.Region, error) {
	return regions, s.call("direction")
}

func (s *stages) Read(_ context.Context, _ *imaging.Raster, regions []text.Region, o text.ReadOptions) ([]ocr.Line, error) {
	s.options = o
	var out []ocr.Line
	for _, g := range regions {
		confidence := float32(0.9)
		if s.confidence != nil {
			confidence = s.confidence(g)
		}
		b := g.Polygon.Bounds()
		symbol := ocr.Symbol{Char: "字", Box: b, Confidence: confidence, Candidates: []ocr.Candidate{{Char: "学"}, {Char: "宇"}}}
		l := ocr.Line{Text: "字", Confidence: confidence, Polygon: g.Polygon, Words: []ocr.Word{{Text: "字", Box: b, Symbols: []ocr.Symbol{symbol}}}}
		if b.W*b.H < 20 {
			l = ocr.Line{Polygon: g.Polygon} // a speck, not text
		}
		out = append(out, l)
	}
	return out, s.call("read")
}

func (s *stages) Correct(_ context.Context, p *ocr.Page, names bool) error {
	p.Corrections = append(p.Corrections, ocr.Correction{Original: "学", Corrected: "字"})
	return s.call("correct")
}

func (s *stages) Order(_ context.Context, p *ocr.Page, upright *imaging.Raster) error {
	if p.Width != upright.Width || p.Height != upright.Height {
		return errors.New("the page is not as large as its picture")
	}
	p.Regions = append(p.Regions, ocr.Region{Kind: ocr.RegionMargin, Outline: []ocr.Point{{X: 1, Y: 2}}})
	return s.call("order")
}

func (s *stages) config() Config {
	return Config{Enhancer: s, Orienter: s, Detector: s, Direction: s, Lines: s, Corrector: s, Orderer: s, Models: []string{"a", "b"}}
}

func paper(width, height int, marks ...ocr.Box) *imaging.Raster {
	r := imaging.NewRaster(width, height)
	for i := range r.Pix {
		r.Pix[i] = 255
	}
	for _, b := range marks {
		for y := int(b.Y); y < int(b.Y+b.H); y++ {
			for i := 3 * int(b.X); i < 3*int(b.X+b.W); i++ {
				r.Row(y)[i] = 0
			}
		}
	}
	return r
}

func newReader(t require.TestingT, cfg Config) *Reader {
	r, err := New(cfg)
	require.NoError(t, err)
	return r
}

// What is read of noise is scraps among more that could not be read: that is no text. Long lines among unread ones are.
func TestTextureIsNoText(t *testing.T) {
	scraps := []ocr.Line{{Text: "的"}, {Text: "2合"}, {Text: "实592"}}
	assert.True(t, texture(scraps, 7))
	assert.False(t, texture(scraps, 6), "half of the places were read")
	assert.False(t, texture([]ocr.Line{{Text: "依照民事诉讼法第一百四十二条"}, {Text: "2"}}, 9))
	assert.False(t, texture(nil, 0))
}

func TestStagesInOrder(t *testing.T) {
	s := &stages{}
	r := newReader(t, s.config())
	page := paper(200, 100, ocr.Box{X: 20, Y: 10, W: 100, H: 20}, ocr.Box{X: 20, Y: 60, W: 2, H: 2})
	p, err := r.Recognize(background, page, ocr.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"enhance", "orient", "detect", "direction", "read", "correct", "order"}, s.calls)
	assert.Equal(t, "courtsense a b", p.Engine)
	assert.Equal(t, []string{"a", "b"}, p.Models)
	require.Len(t, p.Lines, 1, "a region without text is no line")
	assert.Equal(t, ocr.Box{X: 20, Y: 10, W: 100, H: 20}, p.Lines[0].Polygon.Bounds())
	assert.Equal(t, 200, p.Width)
	assert.Equal(t, []string{"1 places that look like text could not be read", "1 characters corrected"}, p.Steps)
	assert.Nil(t, p.Lines[0].Words[0].Symbols[0].Candidates, "not asked for")
	assert.Equal(t, text.MaxReadings, s.options.Candidates, "but the corrector had them")

	for switched, want := range map[*ocr.Options][]string{
		{NoEnhance: true}: {"orient", "detect", "direction", "read", "correct", "order"},
		{NoOrient: true}:  {"enhance", "detect", "direction", "read", "correct", "order"},
		{NoCorrect: true}: {"enhance", "orient", "detect", "direction", "read", "order"},
		{NoOrder: true}:   {"enhance", "orient", "detect", "direction", "read", "correct"},
	} {
		s.calls = nil
		_, err := r.Recognize(background, page, *switched)
		require.NoError(t, err)
		assert.Equal(t, want, s.calls)
	}
	s.calls = nil
	p, err = newReader(t, Config{Detector: s, Lines: s}).Recognize(background, page, ocr.Options{Candidates: 1})
	require.NoError(t, err)
	assert.Equal(t, []string{"detect", "read"}, s.calls)
	assert.Equal(t, 1, s.options.Candidates)
	assert.NotEmpty(t, p.Lines)
}

func TestAPageWithoutText(t *testing.T) {
	s := &stages{}
	p, err := newReader(t, s.config()).Recognize(background, paper(50, 50), ocr.Options{})
	require.NoError(t, err)
	assert.Empty(t, p.Lines)
	assert.Equal(t, []string{"no text found"}, p.Steps)
	assert.NotContains(t, s.calls, "correct")
}

func TestASingleLineIsNotSearchedFor(t *testing.T) {
	s := &stages{}
	p, err := newReader(t, Config{Detector: s, Lines: s}).Recognize(background, paper(90, 30), ocr.Options{Layout: ocr.LayoutLine})
	require.NoError(t, err)
	assert.Equal(t, []string{"read"}, s.calls)
	assert.Equal(t, ocr.Box{W: 90, H: 30}.Polygon(), p.Lines[0].Polygon)
}

// Whatever the stages did to the picture, everything comes back in the original's pixels.
func TestCoordinatesAreTheOriginals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		degrees := 90 * rapid.IntRange(0, 3).Draw(t, "quarter turns")
		mark := ocr.Box{X: float32(rapid.IntRange(40, 80).Draw(t, "x")), Y: float32(rapid.IntRange(40, 60).Draw(t, "y")), W: 60, H: 12}
		upright := paper(260, 180, mark)
		// The original is the upright page turned clockwise.
		turnedBy := map[int]imaging.Orientation{0: 1, 90: 6, 180: 3, 270: 8}[degrees]
		original := imaging.Orient(upright, turnedBy)
		found, err := (&stages{}).Detect(background, original, text.DetectOptions{})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		want := found[0].Polygon.Bounds()

		// The enhancer moves it and makes it larger.
		dx, dy := rapid.IntRange(-20, 20).Draw(t, "dx"), rapid.IntRange(-20, 20).Draw(t, "dy")
		moved := paper(2*original.Width, 2*original.Height, ocr.Box{X: 2*want.X + float32(dx), Y: 2*want.Y + float32(dy), W: 2 * want.W, H: 2 * want.H})
		seal := ocr.Region{Kind: ocr.RegionSeal, Outline: []ocr.Point{{X: 5, Y: 6}, {X: 30, Y: 6}, {X: 30, Y: 40}}}
		s := &stages{orientation: ocr.Orientation{Degrees: degrees, Confidence: 0.99, Verified: true}, enhanced: &ocr.Enhanced{Picture: moved,
			ToOriginal: ocr.Affine{0.5, 0, -float64(dx) / 2, 0, 0.5, -float64(dy) / 2}, Skew: 1.5, Steps: []string{"enlarged"}, Regions: []ocr.Region{seal}}}
		p, err := newReader(t, s.config()).Recognize(background, original, ocr.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if degrees%180 == 0 != (s.seen.Width == moved.Width) {
			t.Fatalf("the detector saw %dx%d", s.seen.Width, s.seen.Height)
		}
		near := func(a, b ocr.Box) bool {
			return math.Abs(float64(a.X-b.X))+math.Abs(float64(a.Y-b.Y))+math.Abs(float64(a.W-b.W))+math.Abs(float64(a.H-b.H)) < 0.01
		}
		l := p.Lines[0]
		if !near(l.Polygon.Bounds(), want) || !near(l.Words[0].Box, want) || !near(l.Words[0].Symbols[0].Box, want) {
			t.Fatalf("%+v, want %+v", l, want)
		}
		// The text's top left corner stays the first.
		first := map[int]ocr.Point{0: {X: want.X, Y: want.Y}, 90: {X: want.X + want.W, Y: want.Y}, 180: {X: want.X + want.W, Y: want.Y + want.H}, 270: {X: want.X, Y: want.Y + want.H}}[degrees]
		if d := math.Hypot(float64(l.Polygon[0].X-first.X), float64(l.Polygon[0].Y-first.Y)); d > 0.01 {
			t.Fatalf("reading starts at %v, want %v", l.Polygon[0], first)
		}
		for i, q := range p.Regions[0].Outline {
			if math.Hypot(float64(q.X-seal.Outline[i].X), float64(q.Y-seal.Outline[i].Y)) > 0.01 {
				t.Fatalf("the seal moved: %+v", p.Regions[0])
			}
		}
		if p.Width != original.Width || p.Height != original.Height || p.Rotation != degrees || !p.RotationVerified || p.Skew != 1.5 {
			t.Fatalf("%+v", p)
		}
	})
}

func TestFailuresAndRefusals(t *testing.T) {
	page := paper(100, 50, ocr.Box{X: 20, Y: 10, W: 60, H: 12})
	for _, stage := range []string{"enhance", "orient", "detect", "direction", "read", "correct", "order"} {
		s := &stages{err: map[string]error{stage: &pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("queue full")}}}
		p, err := newReader(t, s.config()).Recognize(background, page, ocr.Options{})
		require.ErrorContains(t, err, "queue full", stage)
		assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err), stage)
		assert.Empty(t, p, "no half page")
	}
	r := newReader(t, (&stages{}).config())
	for field, o := range map[string]ocr.Options{"candidates": {Candidates: 6}, "dpi": {DPI: -1}, "layout": {Layout: 99}} {
		_, err := r.Recognize(background, page, o)
		e, ok := refusal.As(err)
		require.True(t, ok, field)
		assert.Equal(t, field, e.Field)
	}
	_, err := r.Recognize(background, &imaging.Raster{}, ocr.Options{})
	require.Error(t, err)
	canceled, cancel := context.WithCancel(background)
	cancel()
	_, err = r.Recognize(canceled, page, ocr.Options{})
	assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(err))
	_, err = newReader(t, Config{Orienter: &stages{orientation: ocr.Orientation{Degrees: 45}}, Detector: &stages{}, Lines: &stages{}}).Recognize(background, page, ocr.Options{})
	require.ErrorContains(t, err, "45 degrees")
	_, err = New(Config{Detector: &stages{}})
	require.ErrorContains(t, err, "line recogniser")

	closed := 0
	cfg := (&stages{}).config()
	cfg.Close = func() error { closed++; return errors.New("busy") }
	r = newReader(t, cfg)
	require.EqualError(t, r.Close(), "busy")
	require.EqualError(t, r.Close(), "busy")
	assert.Equal(t, 1, closed)
	_, err = r.Recognize(background, page, ocr.Options{})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
}
