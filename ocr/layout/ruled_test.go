package layout

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// rules draws horizontal rules 2 px high and vertical ones 4 px wide, as far as the table reaches.
func rules(ys, xs []int) *imaging.Raster {
	r := imaging.NewRaster(1000, 800)
	for i := range r.Pix {
		r.Pix[i] = 255
	}
	ink := func(x0, y0, x1, y1 int) {
		for y := y0; y < y1; y++ {
			for i := 3 * x0; i < 3*x1; i++ {
				r.Row(y)[i] = 0
			}
		}
	}
	for _, y := range ys {
		ink(xs[0], y, xs[len(xs)-1], y+2)
	}
	for _, x := range xs {
		ink(x, ys[0], x+4, ys[len(ys)-1]+2)
	}
	return r
}

// A column narrower than the shortest rule is parted by the rules that go on beside it.
func TestNarrowColumn(t *testing.T) {
	ys, xs := []int{100, 160, 220, 280, 340}, []int{104, 170, 602, 898}
	p := ocr.Page{Width: 1000, Height: 800}
	var want []string
	for row, number := range []string{"1", "2", "3", "4"} {
		y := float32(ys[row] + 18)
		for column, text := range []string{number, "证据名称" + number, "复印件" + number} {
			p.Lines = append(p.Lines, box4(text, float32(xs[column]+20), y, float32(24*len([]rune(text))), 24))
			want = append(want, text)
		}
	}
	p = shuffled(p, 5)
	Orderer{}.Order(&p, rules(ys, xs))
	assert.Equal(t, want, texts(p))
}

// An invoice lists its items in one row of cells. Two units that were found as one column do not keep it from being read
// item by item.
func TestListsInCells(t *testing.T) {
	ys, xs := []int{100, 300}, []int{60, 360, 480, 600, 720, 900}
	p := ocr.Page{Width: 1000, Height: 800}
	rows := [][]string{{"货物名称", "单位", "数量", "单价", "金额"}, {"木地板", "", "12", "3.50", "42.00"}, {"玻璃", "", "5", "8.00", "40.00"}}
	var want []string
	for k, row := range rows {
		for column, text := range row {
			if text != "" {
				p.Lines = append(p.Lines, box4(text, float32(xs[column]+20), float32(120+40*k), float32(18*len([]rune(text))), 24))
				want = append(want, text)
			}
			if k == 1 && column == 1 {
				want = append(want, "套块")
			}
		}
	}
	units := box4("套块", 390, 164, 24, 56)
	units.Vertical = true
	p.Lines = append(p.Lines, units)
	p = shuffled(p, 2)
	Orderer{}.Order(&p, rules(ys, xs))
	assert.Equal(t, want, texts(p))
	require.Contains(t, told(p), "cell 2 4: 40.00")
}

// A column that was found as one from its heading on, and a misread mark between two rows, do not turn an invoice's items into columns.
func TestListsInCellsWithAMisreadColumn(t *testing.T) {
	ys, xs := []int{100, 340}, []int{60, 360, 480, 600, 720, 900}
	p := ocr.Page{Width: 1000, Height: 800}
	rows := [][]string{{"货物名称", "单位", "、数量。", "单价", "金额"}, {"木地板", "套", "", "3.50", "42.00"}, {"玻璃", "b", "", "8.00", "40.00"}, {"水泥", "包", "", "9.00", "27.00"}}
	var want []string
	for k, row := range rows {
		for column, text := range row {
			if text == "" {
				continue
			}
			want = append(want, text)
			b := box4(text, float32(xs[column]+20), float32(120+50*k), float32(18*len([]rune(text))), 24)
			switch text {
			case "、数量。":
				b = box4(text, float32(xs[column]+20), 120, 60, 174)
			case "b":
				b = box4(text, float32(xs[column]+20), float32(120+50*k-20), 18, 24)
			}
			p.Lines = append(p.Lines, b)
		}
	}
	p = shuffled(p, 3)
	Orderer{}.Order(&p, rules(ys, xs))
	assert.Equal(t, want, texts(p))
	require.Contains(t, told(p), "cell 3 4: 27.00")
}

// A page number that says so is one, even when it stands some way above the edge, as on a scan with a black border.
func TestPageNumberFarFromTheEdge(t *testing.T) {
	p := columnsPage()
	p.Height = 1950
	want := texts(p)
	p = shuffled(p, 1)
	Orderer{}.Order(&p, nil)
	assert.Equal(t, want, texts(p))
	assert.Equal(t, ocr.RegionMargin, p.Regions[len(p.Regions)-1].Kind)
}
