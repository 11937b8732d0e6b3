package text

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// shades is a line recogniser without weights. Its characters are blocks of a shade of grey that leave the line's lowest
// quarter white: class k is the grey level 30k, k = 1..7. Standing on its head a block is still read, but unsurely.
type shades struct {
	boxes  bool
	unsure string // a character that is read unsurely
	fault  func(pipeline.Tensors)
	err    error

	mu     sync.Mutex
	shapes [][]int64
}

const (
	shadeHeight = 32
	lowestRow   = 30 // of a crop, that the letters leave white
	shadeStride = 4
	shadeKeys   = "甲\n乙\n丙\nA\nB\n1\n \n" // the blank is a shade of its own
)

func (s *shades) Signature() pipeline.Signature {
	sig := pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "x", DType: pipeline.Float32, Shape: []int64{-1, 1, shadeHeight, -1}}},
		Outputs: []pipeline.TensorInfo{{Name: "logits", DType: pipeline.Float32, Shape: []int64{-1, -1, 8}}},
	}
	if s.boxes {
		sig.Outputs = append(sig.Outputs, pipeline.TensorInfo{Name: "boxes", DType: pipeline.Float32, Shape: []int64{-1, -1, 4}})
	}
	return sig
}

func (s *shades) Close() error { return nil }

func (s *shades) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if err := ctx.Err(); err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.ReasonOf(err), Err: err}
	}
	if s.err != nil {
		return nil, s.err
	}
	if err := s.Signature().Check(in); err != nil {
		return nil, err
	}
	x := in["x"]
	s.mu.Lock()
	s.shapes = append(s.shapes, x.Shape)
	s.mu.Unlock()
	n, width := int(x.Shape[0]), int(x.Shape[3])
	frames := width / shadeStride
	logits, boxes := make([]float32, n*frames*8), make([]float32, n*frames*4)
	for i := range n {
		for f := range frames {
			mean := func(y0, y1 int) float32 {
				sum := float32(0)
				for y := y0; y < y1; y++ {
					for c := range shadeStride {
						sum += x.Float32[(i*shadeHeight+y)*width+f*shadeStride+c]*127.5 + 127.5
					}
				}
				return sum / float32((y1-y0)*shadeStride)
			}
			grey, top := mean(12, 20), mean(5, 8)
			k := int(math.Round(float64(grey) / 30))
			row := x.Float32[(i*shadeHeight+16)*width+f*shadeStride:][:shadeStride]
			edge := slices.Max(row)-slices.Min(row) > 0.05
			if edge || k < 1 || k > 7 || math.Abs(float64(grey)-30*float64(k)) > 8 {
				k = 0
			}
			sure := float32(12)
			if k > 0 && math.Abs(float64(top-grey)) > 12 {
				sure = 1
			}
			if k > 0 && string([]rune(shadeLetters)[k-1]) == s.unsure {
				sure = 2.4 // a probability of 0.61
			}
			logits[(i*frames+f)*8+k] = sure
			// The ink runs over the upper three quarters, two frames to either side.
			copy(boxes[(i*frames+f)*4:], []float32{-2, 0, 2, 0.75})
		}
	}
	out := pipeline.Tensors{"logits": {Shape: []int64{int64(n), int64(frames), 8}, Float32: logits}}
	if s.boxes {
		out["boxes"] = pipeline.Tensor{Shape: []int64{int64(n), int64(frames), 4}, Float32: boxes}
	}
	if s.fault != nil {
		s.fault(out)
	}
	return out, nil
}

func shadeEntry(p models.Parameters) models.Entry {
	// The letters leave a quarter of the line white, which a crop to the ink would take away.
	all := models.Parameters{"height": shadeHeight, "space": "keys", "output": "logits", "crop": "box"}
	for k, v := range p {
		all[k] = v
	}
	return models.Entry{ID: "shades", Family: models.FamilyCTCLine, Parameters: all, Batch: models.BatchSpec{Max: 8},
		Inputs: []models.TensorSpec{{Name: "x", Layout: "NCHW", Color: "GRAY", Scale: 1.0 / 255, Mean: []float64{0.5}, Std: []float64{0.5}}}}
}

func shadeReader(t require.TestingT, s *shades, p models.Parameters) *Recognizer {
	r, err := NewRecognizer(s, shadeEntry(p), []byte(shadeKeys))
	require.NoError(t, err)
	return r
}

const shadeLetters = "甲乙丙AB1 "

// write draws a line at (x, y), letters of 16 pixels every 20, 32 high, and returns its region.
func write(r *imaging.Raster, x, y int, text string) Region {
	at := x
	for _, c := range text {
		k := slices.Index([]rune(shadeLetters), c) + 1
		fill(r, ocr.Box{X: float32(at), Y: float32(y), W: 16, H: 24}, byte(30*k))
		at += 20
	}
	return Region{Polygon: ocr.Box{X: float32(x), Y: float32(y), W: float32(at - x), H: 32}.Polygon()}
}

func texts(lines []ocr.Line) []string {
	out := []string{}
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

func TestReadsLinesInTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		page := sheet(900, 700)
		var regions []Region
		var want []string
		for i := range rapid.IntRange(1, 14).Draw(t, "lines") {
			// A repeated letter is one block to a network that sees no gap, so there are none; blanks at the ends vanish.
			text := rapid.StringMatching(`[甲乙丙AB1]([甲乙丙AB1 ]?[甲乙丙AB1]){0,15}`).Draw(t, "text")
			text = string(slices.Compact([]rune(text)))
			want = append(want, text)
			regions = append(regions, write(page, 10+i, 5+48*i, text))
		}
		s := &shades{boxes: rapid.Bool().Draw(t, "boxes")}
		lines, err := shadeReader(t, s, nil).Read(background, page, regions, ReadOptions{Candidates: 3})
		if err != nil || !slices.Equal(texts(lines), want) {
			t.Fatalf("%q, %v; want %q", texts(lines), err, want)
		}
		rows := 0
		for _, shape := range s.shapes {
			rows += int(shape[0])
			if shape[0] > 8 || shape[3]%32 != 0 {
				t.Fatalf("batches %v", s.shapes)
			}
		}
		if rows != len(want) {
			t.Fatalf("%d rows in %v", rows, s.shapes)
		}
		for i, l := range lines {
			if l.Polygon != regions[i].Polygon || l.Confidence < 0.99 || l.Vertical {
				t.Fatalf("%+v", l)
			}
			for k, sym := range l.Symbols() {
				at := symbolPlace(l.Text, k)
				wantX := regions[i].Polygon[0].X + 20*float32(at)
				if b := sym.Box; b.X+b.W/2 < wantX || b.X+b.W/2 > wantX+16 || b.Y < regions[i].Polygon[0].Y-1 || b.Y+b.H > regions[i].Polygon[2].Y+1 {
					t.Fatalf("%q of %q is at %+v, its block at %v", sym.Char, l.Text, b, wantX)
				}
				if len(sym.Candidates) != 3 || sym.Candidates[0].Char == sym.Char {
					t.Fatalf("candidates %+v", sym.Candidates)
				}
			}
		}
	})
}

// symbolPlace returns the position in text of its k-th character that is not blank.
func symbolPlace(text string, k int) int {
	for i, c := range []rune(text) {
		if c == ' ' {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
	return -1
}

func TestBoxesOfTheNetwork(t *testing.T) {
	page := sheet(300, 100)
	g := write(page, 20, 30, "甲乙")
	lines, err := shadeReader(t, &shades{boxes: true}, nil).Read(background, page, []Region{g}, ReadOptions{})
	require.NoError(t, err)
	b := lines[0].Symbols()[1].Box
	assert.InDelta(t, 40, b.X, 8, "two frames left of some frame of the block")
	assert.InDelta(t, 16, b.W, 1e-3)
	assert.InDelta(t, 30, b.Y, 1e-3)
	assert.InDelta(t, 24, b.H, 1e-3)
	assert.Nil(t, lines[0].Symbols()[0].Candidates, "not asked for")
}

func TestLightWritingIsShownAsItsNegative(t *testing.T) {
	page := sheet(300, 100)
	write(page, 20, 30, "甲乙")
	for i, v := range page.Pix {
		page.Pix[i] = 255 - v
	}
	g := Region{Polygon: ocr.Box{X: 20, Y: 30, W: 200, H: 32}.Polygon()} // most of it is ground
	read := func(p models.Parameters) string {
		lines, err := shadeReader(t, &shades{}, p).Read(background, page, []Region{g}, ReadOptions{})
		require.NoError(t, err)
		return strings.Join(texts(lines), "")
	}
	assert.Equal(t, "甲乙", read(models.Parameters{"dark_on_light": true}))
	assert.NotContains(t, read(nil), "甲", "it is shown as it is unless the entry says so")
}

func TestWords(t *testing.T) {
	page := sheet(500, 100)
	lines, err := shadeReader(t, &shades{}, nil).Read(background, page, []Region{write(page, 20, 30, "甲乙AB1丙 A")}, ReadOptions{})
	require.NoError(t, err)
	var words []string
	for _, w := range lines[0].Words {
		words = append(words, w.Text)
	}
	assert.Equal(t, []string{"甲乙", "AB1", "丙", "A"}, words)
	assert.Equal(t, "甲乙AB1丙 A", lines[0].Text)
}

func TestScaledLinesReadTheSame(t *testing.T) {
	page := sheet(600, 100)
	g := write(page, 20, 30, "甲A乙B丙1")
	for _, size := range [][2]int{{300, 50}, {1500, 250}, {900, 150}} {
		scaled := imaging.Resize(page, size[0], size[1])
		h := g
		for i := range h.Polygon {
			h.Polygon[i].X *= float32(size[0]) / 600
			h.Polygon[i].Y *= float32(size[1]) / 100
		}
		lines, err := shadeReader(t, &shades{}, nil).Read(background, scaled, []Region{h}, ReadOptions{})
		require.NoError(t, err)
		assert.Equal(t, []string{"甲A乙B丙1"}, texts(lines), "%v", size)
	}
}

// A line longer than the network takes is cut between characters and read whole.
func TestLongLinesAreCut(t *testing.T) {
	long := "甲乙丙AB1甲乙丙AB1甲乙丙AB1甲乙丙AB1甲乙丙AB1甲乙丙AB1甲乙丙AB1"
	page := sheet(1000, 100)
	s := &shades{}
	lines, err := shadeReader(t, s, models.Parameters{"max_width": 256}).Read(background, page, []Region{write(page, 20, 30, long)}, ReadOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{long}, texts(lines))
	for _, shape := range s.shapes {
		assert.LessOrEqual(t, shape[3], int64(256))
	}
	last := lines[0].Symbols()[len([]rune(long))-1].Box
	assert.InDelta(t, 20+20*41+8, last.X+last.W/2, 6)
}

func TestColumnsOfUprightCharacters(t *testing.T) {
	page := sheet(200, 400)
	for i, c := range []rune("甲乙丙甲") {
		write(page, 60, 20+36*i, string(c))
	}
	g := Region{Polygon: ocr.Box{X: 52, Y: 16, W: 32, H: 148}.Polygon(), Vertical: true}
	lines, err := shadeReader(t, &shades{boxes: true}, nil).Read(background, page, []Region{g}, ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"甲乙丙甲"}, texts(lines))
	assert.True(t, lines[0].Vertical)
	for i, s := range lines[0].Symbols() {
		assert.InDelta(t, 20+36*i+12, s.Box.Y+s.Box.H/2, 9, "%d", i)
		assert.InDelta(t, 68, s.Box.X+s.Box.W/2, 9)
	}
}

func TestLinesOnTheirHeadAreTurned(t *testing.T) {
	page := sheet(300, 100)
	write(page, 100, 34, "甲乙丙A")
	head := imaging.Orient(page, 3)
	turned := Region{Polygon: ocr.Box{X: 120, Y: 34, W: 80, H: 32}.Polygon()}
	r := shadeReader(t, &shades{}, nil)
	lines, err := r.Read(background, head, []Region{turned}, ReadOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"甲乙丙A"}, texts(lines))
	assert.Equal(t, turned.Turned(180).Polygon, lines[0].Polygon, "reading starts at the other end")
	lines, err = r.Read(background, head, []Region{turned}, ReadOptions{AsGiven: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"A丙乙甲"}, texts(lines))
	assert.Less(t, lines[0].Confidence, float32(0.6))
}

func TestRegionsWithoutTextGiveLinesWithoutText(t *testing.T) {
	page := sheet(300, 100)
	nan := float32(math.NaN())
	regions := []Region{{}, {Polygon: ocr.Box{X: 10, Y: 10, W: 100, H: 30}.Polygon()}, {Polygon: ocr.Polygon{{X: nan}, {X: nan}, {X: nan}, {X: nan}}},
		{Polygon: ocr.Box{X: 10, Y: 10, W: 0.5, H: 300}.Polygon(), Vertical: true}, {Polygon: ocr.Box{X: -500, Y: -500, W: 100, H: 30}.Polygon()}}
	lines, err := shadeReader(t, &shades{}, nil).Read(background, page, regions, ReadOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"", "", "", "", ""}, texts(lines))
	none, err := shadeReader(t, &shades{}, nil).Read(background, page, nil, ReadOptions{})
	require.NoError(t, err)
	assert.Empty(t, none)
}

// TestMarksAreJudgedAsPrint: with marks for letters, lines of nothing else are left out when they are unsure, and blanks behind a mark are.
func TestMarksAreJudgedAsPrint(t *testing.T) {
	page := sheet(300, 200)
	regions := []Region{write(page, 10, 20, "甲乙甲乙甲"), write(page, 10, 80, "甲乙丙A1B"), write(page, 10, 140, "A乙 1B")}
	for threshold, want := range map[float64][]string{
		0:   {"。、。、。", "。、丙A1B", "A、1B"},
		0.9: {"", "。、丙A1B", "A、1B"},
	} {
		e := shadeEntry(nil)
		e.Thresholds = []models.Threshold{{Name: "marks", Value: threshold}}
		r, err := NewRecognizer(&shades{unsure: "甲"}, e, []byte("。\n、\n丙\nA\nB\n1\n \n"))
		require.NoError(t, err)
		lines, err := r.Read(background, page, regions, ReadOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, texts(lines), "%v", threshold)
	}
}

func TestReadFails(t *testing.T) {
	page := sheet(300, 100)
	regions := []Region{write(page, 20, 30, "甲乙")}
	full := &pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("queue full")}
	_, err := shadeReader(t, &shades{err: full}, nil).Read(background, page, regions, ReadOptions{})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	canceled, cancel := context.WithCancel(background)
	cancel()
	_, err = shadeReader(t, &shades{}, nil).Read(canceled, page, regions, ReadOptions{})
	assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(err))
	_, err = shadeReader(t, &shades{}, nil).Read(background, &imaging.Raster{Width: 2, Height: 2}, regions, ReadOptions{})
	require.ErrorContains(t, err, "needs 12 bytes")
	for name, fault := range map[string]func(pipeline.Tensors){
		"rank": func(out pipeline.Tensors) {
			out["logits"] = pipeline.Tensor{Shape: []int64{1, 8}, Float32: make([]float32, 8)}
		},
		"classes": func(out pipeline.Tensors) {
			out["logits"] = pipeline.Tensor{Shape: []int64{1, 2, 9}, Float32: make([]float32, 18)}
		},
		"missing": func(out pipeline.Tensors) { delete(out, "logits") },
		"boxes": func(out pipeline.Tensors) {
			out["boxes"] = pipeline.Tensor{Shape: []int64{1, 1, 4}, Float32: make([]float32, 4)}
		},
		"numbers": func(out pipeline.Tensors) {
			for i := range out["logits"].Float32 {
				out["logits"].Float32[i] = float32(math.NaN())
			}
		},
	} {
		_, err := shadeReader(t, &shades{boxes: true, fault: fault}, nil).Read(background, page, regions, ReadOptions{})
		require.Error(t, err, name)
		assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err), name)
	}
	// Boxes that are no numbers cost the box, not the text.
	lines, err := shadeReader(t, &shades{boxes: true, fault: func(out pipeline.Tensors) {
		for i := range out["boxes"].Float32 {
			out["boxes"].Float32[i] = float32(math.NaN())
		}
	}}, nil).Read(background, page, regions, ReadOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"甲乙"}, texts(lines))
	assert.Positive(t, lines[0].Symbols()[0].Box.W)
}

func TestNewRecognizerChecksTheEntry(t *testing.T) {
	for says, p := range map[string]models.Parameters{
		"space":       {"space": "first"},
		"output":      {"output": "raw"},
		"crop":        {"crop": "tight"},
		"temperature": {"temperature": 0},
		"margin":      {"margin": 2},
		"height":      {"height": 48},
		"max_width":   {"max_width": 10},
		"blank":       {"blank": 99},
		"8 classes":   {"space": "last"},
	} {
		_, err := NewRecognizer(&shades{}, shadeEntry(p), []byte(shadeKeys))
		require.ErrorContains(t, err, says)
	}
	_, err := NewRecognizer(&shades{}, shadeEntry(nil), nil)
	require.ErrorContains(t, err, "empty")
	e := shadeEntry(nil)
	e.Family = models.FamilyDBNet
	_, err = NewRecognizer(&shades{}, e, []byte(shadeKeys))
	require.ErrorContains(t, err, "family")
	e = shadeEntry(nil)
	e.Inputs[0].Color, e.Inputs[0].Mean, e.Inputs[0].Std = "BGR", nil, nil
	_, err = NewRecognizer(&shades{}, e, []byte(shadeKeys))
	require.ErrorContains(t, err, "channels")
}

// One page's 45 lines of 36 characters brought to the network's height, as 24 pixels and as 60 pixels high print.
func BenchmarkSample(b *testing.B) {
	for name, high := range map[string]int{"24px": 24, "60px": 60} {
		page := sheet(36*high+40, 45*(high+10)+40)
		src := grayOf(page, nil)
		scale := pixelScale{channels: 1, gain: [3]float32{1}}
		dst := make([]float32, 32*36*40)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for i := range 45 {
					s, _ := straight(ocr.Box{X: 20, Y: float32(20 + i*(high+10)), W: float32(36 * high), H: float32(high)}.Polygon(), 32, 0.08)
					s.sample(dst, int(s.width), src, scale)
				}
			}
		})
	}
}

// tidy is a recogniser that is unsure of letters that fill their crop, or, where row says another place, of those that leave paper there.
type tidy struct {
	shades
	row int
}

func (s *tidy) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	out, err := s.shades.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	x, logits := in["x"], out["logits"]
	width, frames := int(x.Shape[3]), int(logits.Shape[1])
	for i := range int(x.Shape[0]) {
		for f := range frames {
			if paper := x.Float32[(i*shadeHeight+s.row)*width+f*shadeStride+1] >= 0.9; paper != (s.row == lowestRow) {
				row := logits.Float32[(i*frames+f)*8:][:8]
				for k := range row {
					row[k] = min(row[k], 1)
				}
			}
		}
	}
	return out, nil
}

// A crop that was fitted to what is not the whole line gives way to the whole box when that reads better.
func TestUnsureLinesAreReadFromTheirWholeBox(t *testing.T) {
	page := sheet(400, 80)
	region := write(page, 10, 20, "甲乙A1乙丙")
	r, err := NewRecognizer(&tidy{row: lowestRow}, shadeEntry(models.Parameters{"crop": "ink"}), []byte(shadeKeys))
	require.NoError(t, err)
	lines, err := r.Read(background, page, []Region{region}, ReadOptions{})
	require.NoError(t, err)
	require.Len(t, lines, 1)
	assert.Equal(t, "甲乙A1乙丙", lines[0].Text)
	assert.Greater(t, lines[0].Confidence, float32(0.99))
	lines, err = r.Read(background, page, []Region{region}, ReadOptions{AsGiven: true})
	require.NoError(t, err)
	assert.Less(t, lines[0].Confidence, float32(0.6), "the fitted crop is what is read first")
}

// Where nothing can be fitted, as to a single character, a box that is higher than its line gives way to a lower one.
func TestUnsureLinesAreReadFromALowerBox(t *testing.T) {
	page := sheet(100, 80)
	write(page, 10, 20, "乙")
	high := Region{Polygon: ocr.Box{X: 10, Y: 16, W: 20, H: 36}.Polygon()}
	r, err := NewRecognizer(&tidy{row: 2}, shadeEntry(models.Parameters{"crop": "ink"}), []byte(shadeKeys))
	require.NoError(t, err)
	given, err := r.Read(background, page, []Region{high}, ReadOptions{AsGiven: true})
	require.NoError(t, err)
	lines, err := r.Read(background, page, []Region{high}, ReadOptions{})
	require.NoError(t, err)
	assert.Equal(t, "乙", lines[0].Text)
	assert.Less(t, given[0].Confidence, float32(0.6))
	assert.Greater(t, lines[0].Confidence, float32(0.99))
	b := lines[0].Polygon.Bounds()
	assert.InDelta(t, 16+3.6, b.Y, 0.01)
	assert.InDelta(t, 36-7.2, b.H, 0.01)
}

// A line with an unsure character is read again, drawn wider, and the characters stay where they are.
func TestUnsureLinesAreReadAgainDrawnWider(t *testing.T) {
	page := sheet(500, 80)
	region := write(page, 10, 20, "甲A乙 1B丙甲乙1丙B乙甲1")
	for _, boxes := range []bool{true, false} {
		sure, unsure := &shades{boxes: boxes}, &shades{boxes: boxes, unsure: "A"}
		want, err := shadeReader(t, sure, nil).Read(background, page, []Region{region}, ReadOptions{})
		require.NoError(t, err)
		got, err := shadeReader(t, unsure, nil).Read(background, page, []Region{region}, ReadOptions{})
		require.NoError(t, err)
		require.Len(t, sure.shapes, 1)
		require.Greater(t, len(unsure.shapes), 1)
		require.Greater(t, unsure.shapes[len(unsure.shapes)-1][3], unsure.shapes[0][3])
		require.Equal(t, "甲A乙 1B丙甲乙1丙B乙甲1", got[0].Text)
		for i, w := range got[0].Words {
			for k, s := range w.Symbols {
				b := want[0].Words[i].Symbols[k].Box
				assert.InDelta(t, b.X+b.W/2, s.Box.X+s.Box.W/2, 2, s.Char)
			}
		}
		// As it is given, a region is read once.
		given := &shades{boxes: boxes, unsure: "A"}
		_, err = shadeReader(t, given, nil).Read(background, page, []Region{region}, ReadOptions{AsGiven: true})
		require.NoError(t, err)
		require.Len(t, given.shapes, 1)
	}
}
