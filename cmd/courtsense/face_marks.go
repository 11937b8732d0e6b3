package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/pflag"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// faceFlags are common to the commands about faces.
type faceFlags struct {
	json             bool
	annotate         string
	purpose, consent string
}

func (f *faceFlags) add(set *pflag.FlagSet, annotated string) {
	set.BoolVar(&f.json, "json", false, "print JSON")
	if annotated != "" {
		set.StringVar(&f.annotate, "annotate", "", annotated)
	}
	set.StringVar(&f.purpose, "purpose", "command line", "why this is done; travels into the server's provenance")
	set.StringVar(&f.consent, "consent-id", "", "reference to the person's recorded consent; travels into provenance")
}

// caption is what is written on a picture.
type caption struct {
	text   string
	colour draw.Color
}

// Captions' colours: as at a traffic light.
var (
	good    = draw.Green
	doubted = draw.Orange
	bad     = draw.Red
)

// markPicture decodes a picture and draws a face's box with a caption on it, or the caption in the corner where there is none.
func markPicture(ctx context.Context, content []byte, face *pb.Face, c caption) (*imaging.Raster, error) {
	r, _, err := codec.Decode(ctx, content, imaging.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return r, markFace(r, face, c)
}

func markFace(r *imaging.Raster, face *pb.Face, c caption) error {
	if face == nil {
		return draw.Label(r, 0, 0, c.text, c.colour, draw.LabelSize(r))
	}
	b, l := face.GetBox(), face.GetLandmarks()
	stroke := min(draw.Stroke(r), max(1, math.Round(float64(b.GetWidth())/20)))
	draw.Rect(r, float64(b.GetX()), float64(b.GetY()), float64(b.GetWidth()), float64(b.GetHeight()), c.colour, stroke)
	for _, p := range []*pb.Point{l.GetRightEye(), l.GetLeftEye(), l.GetNoseTip(), l.GetRightMouthCorner(), l.GetLeftMouthCorner()} {
		draw.Dot(r, draw.Point{X: float64(p.GetX()), Y: float64(p.GetY())}, draw.Blue, max(1.5, stroke))
	}
	return draw.Label(r, float64(b.GetX()), float64(b.GetY()), c.text, c.colour, draw.LabelSize(r))
}

// writeMarked writes a picture beside the others of --annotate.
func writeMarked(path string, r *imaging.Raster) error {
	b, err := codec.EncodeJPEG(r, 88)
	if err != nil {
		return err
	}
	return writeFile(path, b)
}

// pairHeight is that of two pictures side by side, pixels.
const pairHeight = 480

// sideBySide puts two pictures beside each other, equally high, under a caption.
func sideBySide(left, right *imaging.Raster, c caption) (*imaging.Raster, error) {
	const gap, head = 12, 40
	scaled := func(r *imaging.Raster) *imaging.Raster {
		return imaging.Resize(r, max(r.Width*pairHeight/r.Height, 1), pairHeight)
	}
	l, r := scaled(left), scaled(right)
	out := imaging.NewRaster(l.Width+gap+r.Width, head+pairHeight)
	draw.Fill(out, 0, 0, out.Width, out.Height, draw.White)
	for y := range pairHeight {
		row := out.Row(head + y)
		copy(row, l.Row(y))
		copy(row[3*(l.Width+gap):], r.Row(y))
	}
	return out, draw.Label(out, 8, head-6, c.text, c.colour, 20)
}

// oneIn writes a rate as people count: "1 in 12,000".
func oneIn(rate float64) string {
	n := 1 / rate
	// Two digits: no calibration knows more.
	scale := math.Pow(10, math.Max(math.Floor(math.Log10(n))-1, 0))
	return "1 in " + grouped(int64(math.Round(n/scale)*scale))
}

// strangers says what a false match rate means.
func strangers(r *pb.MeasuredRate) string {
	switch {
	case r.GetRate() >= 0.4:
		return "strangers often look this alike"
	case r.GetLower() <= 0:
		return "strangers look this alike in at most " + oneIn(r.GetRate()) + " comparisons"
	}
	return "strangers look this alike in " + oneIn(r.GetRate()) + " comparisons"
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	b := []byte(fmt.Sprint(n))
	for i := len(b) - 3; i > 0 && b[i-1] != '-'; i -= 3 {
		b = slices.Insert(b, i, ',')
	}
	return string(b)
}

// onlyOneStdin refuses to read standard input twice.
func onlyOneStdin(inputs []input) error {
	n := 0
	for _, in := range inputs {
		if in.path == "-" {
			n++
		}
	}
	if n > 1 {
		return usagef(`"-" can stand for one picture only`)
	}
	return nil
}
