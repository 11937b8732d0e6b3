package layout

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// seen shows a page as it is photographed from the side: t.back takes its lines along, and its picture where there is one.
func seen(p ocr.Page, picture *imaging.Raster, t projection) (ocr.Page, *imaging.Raster) {
	p = shuffled(p, 3)
	for i := range p.Lines {
		for k, q := range p.Lines[i].Polygon {
			p.Lines[i].Polygon[k] = t.back(q)
		}
	}
	if picture == nil {
		return p, nil
	}
	out := imaging.NewRaster(picture.Width, picture.Height)
	for y := range out.Height {
		for x := range out.Width {
			q := t.apply(ocr.Point{X: float32(x), Y: float32(y)})
			v := byte(255)
			if sx, sy := int(q.X+0.5), int(q.Y+0.5); sx >= 0 && sy >= 0 && sx < picture.Width && sy < picture.Height {
				v = picture.Row(sy)[3*sx]
			}
			copy(out.Row(y)[3*x:], []byte{v, v, v})
		}
	}
	return p, out
}

// A page of two columns and a title, so close that under perspective no straight line passes between the columns.
func columnsPage() ocr.Page {
	p := ocr.Page{Width: 1200, Height: 1700, Lines: []ocr.Line{box4("标题", 500, 80, 200, 40)}}
	for column := range 2 {
		for row := range 40 {
			x, w := 120+500*column, 460
			switch row % 7 {
			case 0: // a paragraph begins
				x, w = x+48, w-48
			case 6:
				w = 200
			}
			p.Lines = append(p.Lines, box4(fmt.Sprintf("第%d栏第%d行的文字", column, row), float32(x), float32(160+36*row), float32(w), 24))
		}
	}
	p.Lines = append(p.Lines, box4("第3页", 560, 1640, 80, 20))
	return p
}

func TestColumnsInPerspective(t *testing.T) {
	page := columnsPage()
	want := texts(page)
	for _, view := range []projection{
		{}, {slope: 0.15, lean: -0.15}, {slope: -0.12, lean: 0.12}, {slope: 0.03}, {slope: -0.05, lean: 0.04}, {p: 1e-4}, {q: -1e-4}, {slope: 0.04, lean: -0.03, p: 8e-5, q: 1e-4},
	} {
		view.x, view.y = 600, 850
		p, _ := seen(page, nil, view)
		Orderer{}.Order(&p, nil)
		assert.Equal(t, want, texts(p), "%+v", view)
	}
}

// Whatever the angle from which a page is seen, it is read the same.
func TestPerspectiveChangesNoOrder(t *testing.T) {
	page := columnsPage()
	want := texts(page)
	rapid.Check(t, func(t *rapid.T) {
		v := func(most float64) float64 { return rapid.Float64Range(-most, most).Draw(t, "v") }
		turn := v(0.15)
		view := projection{x: 600, y: 850, slope: turn + v(0.06), lean: v(0.05) - turn, p: v(8e-5), q: v(8e-5)}
		p, _ := seen(page, nil, view)
		Orderer{}.Order(&p, nil)
		if got := texts(p); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%+v: %v", view, got)
		}
	})
}

// Tables keep their cells when they are seen from the side.
func TestTablesInPerspective(t *testing.T) {
	for _, name := range []string{"ruled-table", "merged-cells"} {
		content, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		require.NoError(t, err)
		drawing, reading, ok := strings.Cut(string(content), "==== reading\n")
		require.True(t, ok)
		page, picture := drawn(drawing)
		for _, view := range []projection{{slope: 0.02, p: 6e-5}, {slope: -0.02, p: -6e-5}} {
			view.x, view.y = float64(page.Width)/2, float64(page.Height)/2
			p, r := seen(page, picture, view)
			Orderer{}.Order(&p, r)
			assert.Equal(t, strings.TrimSpace(reading), told(p), "%s %+v", name, view)
		}
	}
}

func TestProjectionGoesBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := func(most float64) float64 { return rapid.Float64Range(-most, most).Draw(t, "v") }
		view := projection{x: 600, y: 800, slope: v(0.3), lean: v(0.1), p: v(2e-4), q: v(2e-4)}
		a := ocr.Point{X: float32(600 + v(600)), Y: float32(800 + v(800))}
		b := view.back(view.apply(a))
		if math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y)) > 0.05 {
			t.Fatalf("%+v: %v became %v", view, a, b)
		}
	})
}
