package draw

import (
	"fmt"
	"image"
	"math"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

var labelFont = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(gomedium.TTF) })

// LabelSize returns a text size in pixels that can be read on a picture of r's size.
func LabelSize(r *imaging.Raster) float64 {
	return min(max(math.Round(float64(max(r.Width, r.Height))/45), 11), 64)
}

// Label writes text on a box of colour c, above (x, y), or below it where there is no room above. It writes ASCII; any
// other character becomes "?".
func Label(r *imaging.Raster, x, y float64, text string, c Color, size float64) error {
	if text == "" || !finite(Point{x, y}) {
		return nil
	}
	text = strings.Map(func(ch rune) rune {
		if ch < ' ' || ch > '~' {
			return '?'
		}
		return ch
	}, text)
	f, err := labelFont()
	if err != nil {
		return fmt.Errorf("label font: %w", err)
	}
	// A face caches glyphs and is for one goroutine only; labels are few, so each gets its own.
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return fmt.Errorf("label of %v px: %w", size, err)
	}
	defer face.Close()
	margin := max(2, int(size/5))
	m := face.Metrics()
	width, height := font.MeasureString(face, text).Ceil()+2*margin, (m.Ascent+m.Descent).Ceil()+margin
	left := int(clampTo(x, max(r.Width-width, 0)))
	top := int(clampTo(y, r.Height)) - height
	if top < 0 {
		top = int(clampTo(y, max(r.Height-height, 0)))
	}
	Fill(r, left, top, width, height, c)

	ink := Black
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) < 140 {
		ink = White
	}
	mask := image.NewAlpha(image.Rect(0, 0, width, height))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(margin, margin/2+m.Ascent.Ceil())}
	d.DrawString(text)
	for my := range height {
		for mx := range width {
			px, py := left+mx, top+my
			if a := mask.Pix[my*mask.Stride+mx]; a > 0 && px < r.Width && py >= 0 && py < r.Height {
				blend(r.Row(py)[3*px:], ink, float64(a)/255)
			}
		}
	}
	return nil
}
