package layout

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// The drawings' scale: a half-width character is half an em wide, and a row an em and a half high.
const (
	half      = 12
	em        = 2 * half
	rowHeight = 36
	edge      = 60 // white around the drawing
)

// drawn makes a page of a drawing: what stands between two blanks or more is a line of text; + - and | are rules.
func drawn(drawing string) (ocr.Page, *imaging.Raster) {
	var p ocr.Page
	rows := strings.Split(strings.TrimRight(drawing, "\n"), "\n")
	columns := 0
	var cells [][]rune // one for each half width; the second half of a wide character is 0
	for _, r := range rows {
		var c []rune
		for _, ch := range r {
			c = append(c, ch)
			if ch > 0x2e80 {
				c = append(c, 0)
			}
		}
		cells = append(cells, c)
		columns = max(columns, len(c))
	}
	picture := imaging.NewRaster(columns*half+2*edge, len(rows)*rowHeight+2*edge)
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	p.Width, p.Height = picture.Width, picture.Height
	ink := func(x0, y0, x1, y1 int) {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				copy(picture.Row(y)[3*x:], []byte{0, 0, 0})
			}
		}
	}
	for y, row := range cells {
		top := edge + y*rowHeight
		for x := 0; x < len(row); {
			left := edge + x*half
			switch row[x] {
			case ' ':
				x++
				continue
			case '+', '|':
				from, to := top, top+rowHeight
				if !upright(cells, x, y-1) {
					from += rowHeight / 2
				}
				if !upright(cells, x, y+1) {
					to -= rowHeight / 2
				}
				ink(left+half/2-1, from, left+half/2+1, to)
			}
			if row[x] == '+' || row[x] == '-' && x > 0 && (row[x-1] == '+' || row[x-1] == '-') {
				ink(left, top+rowHeight/2-1, left+half, top+rowHeight/2+1)
			}
			if row[x] == '+' || row[x] == '|' || row[x] == '-' && x > 0 && (row[x-1] == '+' || row[x-1] == '-') {
				x++
				continue
			}
			end := x
			for end < len(row) && row[end] != '|' && !(row[end] == ' ' && (end+1 == len(row) || row[end+1] == ' ' || row[end+1] == '|')) {
				end++
			}
			text := strings.ReplaceAll(string(row[x:end]), "\x00", "")
			p.Lines = append(p.Lines, ocr.Line{Text: text, Polygon: ocr.Box{
				X: float32(left), Y: float32(top + (rowHeight-em)/2), W: float32((end - x) * half), H: em,
			}.Polygon()})
			x = end
		}
	}
	return p, picture
}

// upright tells whether a rule that runs down goes through a cell.
func upright(cells [][]rune, x, y int) bool {
	return y >= 0 && y < len(cells) && x < len(cells[y]) && (cells[y][x] == '+' || cells[y][x] == '|')
}

// told writes a page in the words of the drawings' second part.
func told(p ocr.Page) string {
	where := make([]string, len(p.Lines))
	for _, r := range p.Regions {
		for _, i := range r.Lines {
			switch r.Kind {
			case ocr.RegionCell:
				where[i] = fmt.Sprintf("cell %d %d: ", r.Row, r.Column)
			case ocr.RegionMargin:
				where[i] = "margin: "
			}
		}
	}
	var b strings.Builder
	for i, l := range p.Lines {
		switch {
		case i > 0 && l.Paragraph == p.Lines[i-1].Paragraph:
			b.WriteByte(' ')
		case i > 0:
			b.WriteByte('\n')
		}
		if i == 0 || l.Paragraph != p.Lines[i-1].Paragraph {
			b.WriteString(where[i])
		}
		b.WriteString(l.Text)
	}
	return b.String()
}

// Each file in testdata is a page as it is drawn, and as it is read: one paragraph a line.
func TestDrawings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(f)
			require.NoError(t, err)
			drawing, reading, ok := strings.Cut(string(content), "==== reading\n")
			require.True(t, ok)
			want := strings.TrimSpace(reading)
			page, picture := drawn(drawing)
			for seed := range uint64(5) {
				p := shuffled(page, seed)
				Orderer{}.Order(&p, picture)
				require.Equal(t, want, told(p), "seed %d", seed)
			}
			for _, degrees := range []float64{-1, 1} {
				p, tilted := skewed(shuffled(page, 7), degrees), tilt(picture, degrees)
				Orderer{}.Order(&p, tilted)
				assert.Equal(t, want, told(p), "skewed by %g degrees", degrees)
			}
			// A second time changes nothing.
			p := shuffled(page, 1)
			Orderer{}.Order(&p, picture)
			again := p
			again.Lines, again.Regions = slices.Clone(p.Lines), slices.Clone(p.Regions)
			Orderer{}.Order(&again, picture)
			assert.Equal(t, p, again)
		})
	}
}

func shuffled(p ocr.Page, seed uint64) ocr.Page {
	p.Lines = slices.Clone(p.Lines)
	rng := rand.New(rand.NewPCG(seed, 1))
	rng.Shuffle(len(p.Lines), func(i, k int) { p.Lines[i], p.Lines[k] = p.Lines[k], p.Lines[i] })
	return p
}
