package ocr

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// twoPages has everything that the formats must carry: two words in a line, a slanted line, quotes, an empty page.
func twoPages() Document {
	symbol := func(char string, x, confidence float32) Symbol {
		return Symbol{Char: char, Box: Box{x, 20, 28, 30.25}, Confidence: confidence}
	}
	return Document{Pages: []Page{
		{Number: 1, Width: 1240, Height: 1754, Rotation: 90, Engine: "test", Lines: []Line{
			{Text: "原告 \"A\\B\"", Confidence: 0.98765432, Polygon: Box{10, 20, 120, 30}.Polygon(), Words: []Word{
				{Text: "原告", Confidence: 0.9, Box: Box{10, 20, 58, 30}, Symbols: []Symbol{symbol("原", 10, 1), symbol("告", 40.04, 0.333333)}},
				{Text: "\"A\\B\"", Confidence: 0.8, Box: Box{70, 20, 60, 30}, Symbols: []Symbol{symbol("\"", 70, 0.5)}},
			}},
			{Text: "<斜>\t行\u2028", Confidence: 0, Polygon: Polygon{{10, 100}, {110, 120}, {105, 150}, {5, 130}}},
		}},
		{Number: 2, Width: 1, Height: 1},
	}}
}

// golden compares with testdata/NAME.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteJSON(&b, twoPages()))
	golden(t, "two-pages.json", b.Bytes())

	b.Reset()
	require.NoError(t, WriteJSON(&b, Document{}))
	assert.Equal(t, "{\"pages\":[]}\n", b.String())
}

// What the stages found stands behind the fields that were always there.
func TestJSONTellsWhatWasFound(t *testing.T) {
	p := Page{
		Number: 1, Width: 100, Height: 50, RotationConfidence: 0.9876, RotationVerified: true, Skew: -1.234, Steps: []string{"deskew 1.2 degrees"},
		Quality: Quality{Verdict: VerdictRetake, Sharpness: 0.1, Exposure: 0.5, Advice: "hold the camera still"},
		Lines: []Line{{
			Text: "\u7532", Vertical: true, Paragraph: 2, Outline: []Point{{1, 2}, {3, 4}},
			Words: []Word{{Symbols: []Symbol{{Char: "\u7532", Candidates: []Candidate{{"\u7530", 0.25}}}}}},
		}},
		Regions: []Region{
			{Kind: RegionSeal, Outline: []Point{{0, 0}, {9, 0}, {9, 9}}, Confidence: 0.5, Lines: []int{0}}, {Kind: RegionCell, Row: 1, Column: 2},
		},
		Corrections: []Correction{{Line: 0, Symbol: 0, Position: 0, Original: "\u7530", Corrected: "\u7532", OriginalScore: -3, CorrectedScore: -1, Reason: "r"}},
		Differences: []Difference{{Box{1, 2, 3, 4}, "a", "b"}},
	}
	var b bytes.Buffer
	require.NoError(t, WriteJSON(&b, Document{Pages: []Page{p}}))
	want := `{"pages":[{"page":1,"width":100,"height":50,"rotation":0,"lines":[{"text":"\u7532","confidence":0,"polygon":[[0,0],[0,0],[0,0],[0,0]],` +
		`"chars":[{"char":"\u7532","box":[0,0,0,0],"confidence":0,"candidates":[{"char":"\u7530","confidence":0.25}]}],"vertical":true,"paragraph":2,"outline":[[1,2],[3,4]]}],` +
		`"rotation_confidence":0.9876,"rotation_verified":true,"skew":-1.23,"quality":{"verdict":"retake","sharpness":0.1,"exposure":0.5,"advice":"hold the camera still"},` +
		`"regions":[{"kind":"seal","outline":[[0,0],[9,0],[9,9]],"confidence":0.5,"lines":[0]},{"kind":"cell","outline":[],"confidence":0,"lines":[],"row":1,"column":2}],` +
		`"corrections":[{"line":0,"char":0,"position":0,"original":"\u7530","corrected":"\u7532","original_score":-3,"corrected_score":-1,"reason":"r"}],` +
		`"differences":[{"box":[1,2,3,4],"text":"a","other":"b"}],"steps":["deskew 1.2 degrees"]}]}`
	assert.JSONEq(t, want, b.String())
}

func TestWriteText(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteText(&b, twoPages()))
	golden(t, "two-pages.txt", b.Bytes())
}

// Whatever is in a page, the JSON can be read, holds the same text, and nothing beyond what the format rounds is lost.
func TestJSONRoundTrip(t *testing.T) {
	type document struct {
		Pages []struct {
			Page, Width, Height, Rotation int
			Lines                         []struct {
				Text       string
				Confidence float64
				Polygon    [4][2]float64
				Chars      []struct {
					Char       string
					Box        [4]float64
					Confidence float64
				}
			}
		}
	}
	float := rapid.OneOf(rapid.Float32Range(-1e6, 1e6), rapid.Just(float32(math.NaN())), rapid.Just(float32(math.Inf(-1))), rapid.Just(float32(-0.01)))
	finite := func(v float32) float64 {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return 0
		}
		return float64(v)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Just("\xff\xfe"), rapid.Just("</script>\x00\r")).Draw(t, "text")
		x, c := float.Draw(t, "x"), float.Draw(t, "confidence")
		in := Document{Pages: []Page{{Number: 3, Width: 5, Height: 6, Rotation: 180, Lines: []Line{{
			Text: text, Confidence: c, Polygon: Polygon{{x, 1}, {2, 3}, {4, 5}, {6, 7}},
			Words: []Word{{Symbols: []Symbol{{Char: text, Box: Box{x, 1, 2, 3}, Confidence: c}}}, {}},
		}}}}}
		var b bytes.Buffer
		if err := WriteJSON(&b, in); err != nil {
			t.Fatal(err)
		}
		var out document
		if err := json.Unmarshal(b.Bytes(), &out); err != nil {
			t.Fatalf("%v in %s", err, b.String())
		}
		if !utf8.Valid(b.Bytes()) || bytes.Contains(b.Bytes(), []byte("-0,")) {
			t.Fatalf("bad JSON: %s", b.String())
		}
		line := out.Pages[0].Lines[0]
		if want := string([]rune(text)); line.Text != want || line.Chars[0].Char != want {
			t.Fatalf("text %q became %q", text, line.Text)
		}
		if math.Abs(line.Polygon[0][0]-finite(x)) > 0.0501 || math.Abs(line.Chars[0].Box[0]-finite(x)) > 0.0501 ||
			math.Abs(line.Confidence-finite(c)) > 0.0000501 {
			t.Fatalf("%v, %v became %v, %v", x, c, line.Polygon[0][0], line.Confidence)
		}
	})
}

func TestWriteErrorsAreReported(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer full.Close()
	require.Error(t, WriteJSON(full, twoPages()))
	require.Error(t, WriteText(full, twoPages()))
}

func TestAnnotate(t *testing.T) {
	r := imaging.NewRaster(400, 200)
	for i := range r.Pix {
		r.Pix[i] = 255
	}
	page := Page{Width: 400, Height: 200, Lines: []Line{
		{Confidence: 0.95, Polygon: Box{100, 20, 200, 40}.Polygon()},
		{Confidence: 0.2, Polygon: Box{100, 120, 200, 40}.Polygon()},
	}}
	require.NoError(t, Annotate(r, page))
	pixel := func(x, y int) [3]byte { return [3]byte(r.Row(y)[3*x:]) }
	assert.Equal(t, [3]byte{64, 204, 46}, pixel(200, 20), "a sure line is green")
	assert.Equal(t, [3]byte{50, 40, 230}, pixel(200, 120), "a doubtful line is red")
	assert.Equal(t, [3]byte{255, 255, 255}, pixel(200, 40), "the text stays free")
	labelled := false
	for x := range 95 {
		labelled = labelled || pixel(x, 40) != [3]byte{255, 255, 255}
	}
	assert.True(t, labelled, "the order stands in the margin")

	require.Error(t, Annotate(imaging.NewRaster(10, 10), page))
}

func TestAnnotateMarksWhatWasFound(t *testing.T) {
	r := imaging.NewRaster(600, 400)
	corners := func(b Box) []Point { p := b.Polygon(); return p[:] }
	vertical := Line{Confidence: 0.95, Vertical: true, Polygon: Box{500, 50, 30, 300}.Polygon()}
	page := Page{
		Width: 600, Height: 400,
		Lines: []Line{
			{Confidence: 0.95, Polygon: Box{100, 300, 100, 30}.Polygon(), Words: []Word{{Symbols: []Symbol{{Box: Box{150, 305, 20, 20}}}}}},
			{Confidence: 0.95, Polygon: Box{300, 100, 100, 30}.Polygon()},
			{Confidence: 0.95, Outline: []Point{{10, 10}, {30, 5}, {60, 10}, {60, 30}, {30, 25}, {10, 30}}},
			vertical,
		},
		Regions: []Region{
			{Kind: RegionTable, Outline: corners(Box{20, 60, 60, 60})}, {Kind: RegionSeal, Outline: corners(Box{20, 160, 60, 60})}, {Kind: RegionCell},
		},
		Corrections: []Correction{{Line: 0, Symbol: 0}, {Line: 7}, {Line: 0, Symbol: 7}},
		Differences: []Difference{{Box: Box{420, 320, 40, 40}}},
	}
	require.NoError(t, Annotate(r, page))
	pixel := func(x, y int) draw.Color {
		p := r.Row(y)[3*x:]
		return draw.Color{R: p[2], G: p[1], B: p[0]}
	}
	assert.Equal(t, violet, pixel(160, 305), "a corrected character")
	assert.Equal(t, violet, pixel(440, 320), "a place that was read differently")
	assert.Equal(t, draw.Blue, pixel(20, 90), "a table")
	assert.Equal(t, draw.Red, pixel(20, 190), "a seal")
	assert.Equal(t, draw.Green, pixel(30, 5), "a curved line's own outline")
	assert.NotEqual(t, draw.Black, pixel(250, 215), "an arrow up to the next line, from (200, 315) to (300, 115)")
	above := false
	for y := 30; y < 47; y++ {
		above = above || pixel(515, y) != draw.Black
	}
	assert.True(t, above, "a vertical line's place in the order stands above it")
}

func TestGeometry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.Custom(func(t *rapid.T) Box {
			v := func(lo float32) float32 { return float32(rapid.IntRange(int(lo), 500).Draw(t, "v")) }
			return Box{v(0), v(0), v(1), v(1)}
		})
		a, b := side.Draw(t, "a"), side.Draw(t, "b")
		u := a.Union(b)
		if u != b.Union(a) || u.Union(a) != u || a.Union(Box{}) != a || a.Polygon().Bounds() != a {
			t.Fatalf("union of %v and %v is %v", a, b, u)
		}
	})
}
