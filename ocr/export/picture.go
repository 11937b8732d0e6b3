package export

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Picture is what a page was read from. One of Encoded and Raster must be set.
type Picture struct {
	// Encoded is the picture's file. JPEG goes into the PDF byte for byte, PNG with its compressed pixels as they are, save
	// for what PDF cannot hold (transparency, 16 bits, interlacing). For those and for other formats Raster is needed.
	Encoded []byte
	// Raster is the decoded picture, upright as imaging decodes it. It is written without loss, in grey or in black and white
	// where it has no more.
	Raster *imaging.Raster
	// DPI is the resolution in dots per inch. 0 takes the file's own where it is likely, else the page comes out as a sheet
	// of A4 would.
	DPI float64
}

// embedded is a picture in the form that a PDF holds.
type embedded struct {
	width, height int // as stored
	orientation   imaging.Orientation
	channels      int
	bits          int
	space         string   // colour space where neither profile nor palette is set
	profile       []byte   // ICC
	palette       []byte   // RGB triples
	filter        string   // with its parameters, as dictionary entries
	data          [][]byte // the stream
	dpi           float64  // that the file says; 0 unknown
}

// errNotHeld is a picture whose file a PDF cannot hold as it is.
var errNotHeld = errors.New("a PDF cannot hold this picture's file as it is, and no decoded picture was given")

// embed finds the form for the picture of page p.
func (pic Picture) embed(p ocr.Page) (embedded, error) {
	img, err := pic.encoded()
	if err != nil && pic.Raster != nil {
		dpi := img.dpi
		img, err = rasterImage(pic.Raster)
		img.dpi = dpi
	}
	if err != nil {
		return embedded{}, err
	}
	w, h := img.width, img.height
	if img.orientation.Swaps() {
		w, h = h, w
	}
	if w != p.Width || h != p.Height {
		return embedded{}, fmt.Errorf("the picture has %dx%d px, the page %dx%d: it is not the one that was read", w, h, p.Width, p.Height)
	}
	return img, nil
}

// encoded embeds the file as it is.
func (pic Picture) encoded() (embedded, error) {
	if len(pic.Encoded) == 0 {
		return embedded{}, errors.New("no picture was given")
	}
	header, err := imaging.Sniff(pic.Encoded)
	if err != nil {
		return embedded{}, err
	}
	switch header.Format {
	case imaging.JPEG:
		return jpegImage(pic.Encoded, header)
	case imaging.PNG:
		return pngImage(pic.Encoded, header)
	}
	return embedded{}, errNotHeld
}

// rasterImage compresses a decoded picture: Go's PNG encoder chooses the filters, and PDF reads what it writes.
func rasterImage(r *imaging.Raster) (embedded, error) {
	if err := r.Validate(); err != nil {
		return embedded{}, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, smallestImage(r)); err != nil {
		return embedded{}, fmt.Errorf("compress the picture: %w", err)
	}
	header, err := imaging.Sniff(b.Bytes())
	if err != nil {
		return embedded{}, fmt.Errorf("compress the picture: %w", err)
	}
	return pngImage(b.Bytes(), header)
}

// smallestImage is the picture in black and white, in grey or in colour, whichever is enough.
func smallestImage(r *imaging.Raster) image.Image {
	bounds := image.Rect(0, 0, r.Width, r.Height)
	grey, bilevel := true, true
	for i := 0; i < len(r.Pix) && grey; i += 3 {
		v := r.Pix[i]
		grey = r.Pix[i+1] == v && r.Pix[i+2] == v
		bilevel = bilevel && (v == 0 || v == 255)
	}
	switch {
	case grey && bilevel:
		out := image.NewPaletted(bounds, blackAndWhite)
		for i := range out.Pix {
			out.Pix[i] = r.Pix[3*i] & 1
		}
		return out
	case grey:
		out := image.NewGray(bounds)
		for i := range out.Pix {
			out.Pix[i] = r.Pix[3*i]
		}
		return out
	}
	out := image.NewNRGBA(bounds)
	for i := 0; i < r.Width*r.Height; i++ {
		out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = r.Pix[3*i+2], r.Pix[3*i+1], r.Pix[3*i], 255
	}
	return out
}

// draw shows the picture on all of its paper, turned as its EXIF orientation says.
func (img embedded) draw(p paper) []byte {
	w, h := float64(img.width)*p.scale, float64(img.height)*p.scale
	if img.orientation.Swaps() {
		w, h = h, w
	}
	// Where stored column a and row b, both 0..1, stand in the upright picture: x = xa*a + xb*b + x0, and so for y.
	t := [6]float64{1, 0, 0, 0, 1, 0}
	switch img.orientation {
	case 2:
		t = [6]float64{-1, 0, 1, 0, 1, 0}
	case 3:
		t = [6]float64{-1, 0, 1, 0, -1, 1}
	case 4:
		t = [6]float64{1, 0, 0, 0, -1, 1}
	case 5:
		t = [6]float64{0, 1, 0, 1, 0, 0}
	case 6:
		t = [6]float64{0, -1, 1, 1, 0, 0}
	case 7:
		t = [6]float64{0, -1, 1, -1, 0, 1}
	case 8:
		t = [6]float64{0, 1, 0, -1, 0, 1}
	}
	xa, xb, x0, ya, yb, y0 := t[0], t[1], t[2], t[3], t[4], t[5]
	// PDF's unit square counts rows from below, and so does its page.
	return fmt.Appendf(nil, "q\n%s %s %s %s %s %s cm\n/Im0 Do\nQ\n",
		point(xa*w), point(-ya*h), point(-xb*w), point(yb*h), point((x0+xb)*w), point(p.height-h+(1-yb-y0)*h))
}
