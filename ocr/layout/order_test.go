package layout

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// about turns by degrees clockwise around the picture's middle.
func about(w, h int, degrees float64) ocr.Affine {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	x, y := float64(w)/2, float64(h)/2
	return ocr.Affine{cos, -sin, x - cos*x + sin*y, sin, cos, y - sin*x - cos*y}
}

func skewed(p ocr.Page, degrees float64) ocr.Page {
	a := about(p.Width, p.Height, degrees)
	for i := range p.Lines {
		p.Lines[i].Polygon = a.Polygon(p.Lines[i].Polygon)
	}
	return p
}

func tilt(r *imaging.Raster, degrees float64) *imaging.Raster {
	back, _ := about(r.Width, r.Height, degrees).Inverse()
	out := imaging.NewRaster(r.Width, r.Height)
	for y := range r.Height {
		for x := range r.Width {
			q := back.Apply(ocr.Point{X: float32(x), Y: float32(y)})
			v := byte(255)
			if sx, sy := int(q.X+0.5), int(q.Y+0.5); sx >= 0 && sy >= 0 && sx < r.Width && sy < r.Height {
				v = r.Row(sy)[3*sx]
			}
			copy(out.Row(y)[3*x:], []byte{v, v, v})
		}
	}
	return out
}

func texts(p ocr.Page) []string {
	var out []string
	for _, l := range p.Lines {
		out = append(out, l.Text)
	}
	return out
}

func box4(text string, x, y, w, h float32) ocr.Line {
	return ocr.Line{Text: text, Polygon: ocr.Box{X: x, Y: y, W: w, H: h}.Polygon()}
}

// Vertical text is read from right to left, after the title that runs across above it.
func TestVerticalPage(t *testing.T) {
	p := ocr.Page{Width: 600, Height: 800}
	for i := range 5 {
		l := box4(fmt.Sprint("第", i, "列的文字从上到下写满了"), float32(500-40*i), 100, 30, 600)
		l.Vertical = true
		p.Lines = append([]ocr.Line{l}, p.Lines...)
	}
	p.Lines = append(p.Lines, box4("标题", 250, 40, 100, 30))
	Orderer{}.Order(&p, nil)
	assert.Equal(t, "标题", p.Lines[0].Text)
	for i := range 5 {
		assert.Contains(t, p.Lines[i+1].Text, fmt.Sprint("第", i, "列"))
	}
	assert.Equal(t, p.Lines[1].Paragraph, p.Lines[5].Paragraph, "full columns are one paragraph")
}

// Vertical writing beside running text is one block of its own, read where it begins.
func TestVerticalBlockOnAPage(t *testing.T) {
	p := ocr.Page{Width: 600, Height: 800}
	for i := range 8 {
		p.Lines = append(p.Lines, box4(fmt.Sprint("横排的文字第", i), 50, float32(100+40*i), 350, 26))
	}
	for i := range 2 {
		l := box4(fmt.Sprint("竖", i), float32(540-30*i), 140, 24, 150)
		l.Vertical = true
		p.Lines = append(p.Lines, l)
	}
	Orderer{}.Order(&p, nil)
	got := texts(p)
	require.Contains(t, got, "竖0")
	for i := range got {
		if got[i] == "竖0" {
			assert.Equal(t, "竖1", got[i+1])
		}
	}
}

// Lines that a detector made too long, into the white between columns, do not end the columns.
func TestLinesThatStrayBetweenColumns(t *testing.T) {
	for name, stray := range map[string]struct{ ends, beside float32 }{
		"over the gap, beside a line":   {355, 24},
		"up to the line beside it":      {366, 24},
		"into the gap, with none there": {345, 0},
	} {
		p := ocr.Page{Width: 700, Height: 900}
		for i := range 16 {
			y := float32(100 + 30*i)
			left, right := box4(fmt.Sprintf("左%02d", i), 60, y, 270, 24), box4(fmt.Sprintf("右%02d", i), 365, y, 270, 24)
			if i == 8 {
				left = box4("左08", 60, y, stray.ends-60, 24)
			}
			if p.Lines = append(p.Lines, left); i != 8 || stray.beside > 0 {
				p.Lines = append(p.Lines, right)
			}
		}
		Orderer{}.Order(&p, nil)
		got := texts(p)
		assert.True(t, slices.IsSorted(got[:16]) && got[0] == "左00" && got[15] == "左15", "%s: %v", name, got)
		assert.Equal(t, "右15", got[len(got)-1], name)
	}
}

// Three columns on a page are narrower than nine characters; a table's columns of dates and numbers are as wide.
func TestNarrowColumns(t *testing.T) {
	order := func(text func(column, row int) string) []string {
		p := ocr.Page{Width: 800, Height: 1100}
		for i := range 20 {
			for c := range 3 {
				p.Lines = append(p.Lines, box4(text(c, i), float32(60+240*c), float32(100+30*i), 185, 24))
			}
		}
		Orderer{}.Order(&p, nil)
		return texts(p)
	}
	text := func(c, i int) string {
		return string([]rune("甲乙丙")[c]) + "栏文字之中第" + string(rune('a'+i)) + "行"
	}
	read := order(text)
	assert.Equal(t, []string{text(0, 0), text(0, 1), text(0, 2)}, read[:3])
	assert.Equal(t, text(2, 19), read[59])

	cells := func(c, i int) string { return fmt.Sprintf("202%d-1%d-%02d", i%10, c, i) }
	read = order(cells)
	assert.Equal(t, []string{cells(0, 0), cells(1, 0), cells(2, 0)}, read[:3])
}

// A stamp's curved writing is read after the page's text; straight text below a stamp stays where it is.
func TestStamp(t *testing.T) {
	seal := ocr.Box{X: 300, Y: 300, W: 150, H: 150}.Polygon()
	curved := box4("某某公司合同专用章", 310, 310, 130, 60)
	curved.Outline = []ocr.Point{{X: 310, Y: 370}, {X: 340, Y: 320}, {X: 375, Y: 310}, {X: 420, Y: 320}, {X: 440, Y: 370}}
	p := ocr.Page{Width: 600, Height: 800, Regions: []ocr.Region{{Kind: ocr.RegionSeal, Outline: seal[:], Lines: []int{0}}}, Lines: []ocr.Line{
		curved, box4("审判员", 320, 340, 90, 24), box4("日期", 320, 380, 90, 24), box4("书记员", 320, 420, 90, 24),
	}}
	Orderer{}.Order(&p, nil)
	assert.Equal(t, []string{"审判员", "日期", "书记员", "某某公司合同专用章"}, texts(p))
	assert.Equal(t, []int{3}, p.Regions[0].Lines, "the seal still knows its line")
}

func TestCorrectionsFollowTheirLines(t *testing.T) {
	p := ocr.Page{Width: 600, Height: 800, Lines: []ocr.Line{box4("b", 50, 100, 300, 24), box4("a", 50, 50, 300, 24)}, Corrections: []ocr.Correction{
		{Line: 0, Symbol: 2, Original: "of b"}, {Line: 1, Symbol: 0, Original: "of a"}, {Line: 0, Symbol: 1, Original: "of b too"},
	}}
	Orderer{}.Order(&p, nil)
	assert.Equal(t, []string{"a", "b"}, texts(p))
	assert.Equal(t, []ocr.Correction{{Line: 0, Symbol: 0, Original: "of a"}, {Line: 1, Symbol: 1, Original: "of b too"}, {Line: 1, Symbol: 2, Original: "of b"}}, p.Corrections)
}

// Whatever the coordinates, every line comes out once, paragraphs count up from 0, and regions name lines that exist.
func TestAnyPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Float32Range(-100, 2000), rapid.Float32Range(0, 60), rapid.SampledFrom([]float32{
			float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 3e38, -3e38, 0,
		}))
		n := rapid.IntRange(0, 40).Draw(t, "n")
		p := ocr.Page{Width: rapid.IntRange(0, 2000).Draw(t, "w"), Height: 1000}
		for i := range n {
			l := ocr.Line{Text: fmt.Sprint(i), Vertical: rapid.Bool().Draw(t, "vertical")}
			for k := range l.Polygon {
				l.Polygon[k] = ocr.Point{X: number.Draw(t, "x"), Y: number.Draw(t, "y")}
			}
			if rapid.Bool().Draw(t, "box") {
				l.Polygon = ocr.Box{X: number.Draw(t, "x"), Y: number.Draw(t, "y"), W: number.Draw(t, "w"), H: number.Draw(t, "h")}.Polygon()
			}
			p.Lines = append(p.Lines, l)
		}
		Orderer{}.Order(&p, nil)
		seen := map[string]bool{}
		for i, l := range p.Lines {
			seen[l.Text] = true
			last := -1
			if i > 0 {
				last = p.Lines[i-1].Paragraph
			}
			if l.Paragraph != last && l.Paragraph != last+1 {
				t.Fatalf("paragraph %d after %d", l.Paragraph, last)
			}
		}
		if len(p.Lines) != n || len(seen) != n {
			t.Fatalf("%d of %d lines, %d different ones", len(p.Lines), n, len(seen))
		}
		for _, r := range p.Regions {
			for _, i := range r.Lines {
				if i < 0 || i >= n {
					t.Fatalf("line %d of %d", i, n)
				}
			}
		}
	})
}

// page of n lines in two columns, or in a grid of short cells.
func manyLines(n int, grid bool) ocr.Page {
	p := ocr.Page{Width: 4000, Height: 40000}
	for i := range n {
		x, y := i%2*1000, i/2*30
		w := 900
		if grid {
			x, y, w = i%100*40, i/100*30, 20
		}
		p.Lines = append(p.Lines, box4("文", float32(x), float32(y), float32(w), 20))
	}
	return p
}

func BenchmarkOrder(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		for _, grid := range []bool{false, true} {
			b.Run(fmt.Sprintf("lines=%d,grid=%v", n, grid), func(b *testing.B) {
				p := manyLines(n, grid)
				for b.Loop() {
					q := shuffled(p, 3)
					Orderer{}.Order(&q, nil)
				}
			})
		}
	}
	b.Run("picture=A4 at 200 dpi", func(b *testing.B) {
		picture := imaging.NewRaster(1654, 2339)
		for i := range picture.Pix {
			picture.Pix[i] = byte(i * 7)
		}
		p := manyLines(40, false)
		for b.Loop() {
			q := shuffled(p, 3)
			Orderer{}.Order(&q, picture)
		}
	})
}
