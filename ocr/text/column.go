package text

import (
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// column lays out a line written from top to bottom as one written from left to right: the column is cut between its
// characters, and these are put side by side, upright. p is the column, upright.
func column(p ocr.Polygon, height int, margin float64, src plane, buf []float32) (strip, bool) {
	side, ok := straight(ocr.Polygon{p[1], p[2], p[3], p[0]}, height, margin)
	if !ok {
		return strip{}, false
	}
	width := int(math.Ceil(side.width))
	if width > len(buf)/(height*src.channels) {
		return strip{}, false
	}
	unit := pixelScale{channels: src.channels, from: [3]int{0, 1, 2}, gain: [3]float32{1, 1, 1}}
	side.sample(buf, width, src, unit)
	// The strip of the column lies on its side: x runs down the column, y from its right edge to its left.
	cells := characterCells(contrasts(buf, width, height), float64(height))
	out := strip{height: height}
	q := side.patches[0]
	for _, c := range cells {
		tr, br := q.at(c[0], 0), q.at(c[1], 0)
		tl, bl := q.at(c[0], 1), q.at(c[1], 1)
		x0 := out.width
		out.width += float64(height)
		out.patches = append(out.patches, patch{tl: tl, tr: tr, br: br, bl: bl, x0: x0, x1: out.width})
	}
	return out, len(out.patches) > 0
}

// contrasts returns, for every column of pixels of a single-channel strip, the difference between its lightest and darkest.
func contrasts(pix []float32, width, height int) []float32 {
	lo, hi := make([]float32, width), make([]float32, width)
	copy(lo, pix[:width])
	copy(hi, pix[:width])
	for y := 1; y < height; y++ {
		for x, v := range pix[y*width : (y+1)*width] {
			lo[x], hi[x] = min(lo[x], v), max(hi[x], v)
		}
	}
	for x := range hi {
		hi[x] -= lo[x]
	}
	return hi
}

// inkShare is the part of a strip's largest contrast from which a column of pixels holds ink.
const inkShare = 0.3

// characterCells cuts a column of square characters, given the contrasts down the column, into cells of about size each:
// strokes are gathered as long as they make up no more than a character, and what is longer is divided evenly.
func characterCells(contrast []float32, size float64) [][2]float64 {
	largest := float32(0)
	for _, c := range contrast {
		largest = max(largest, c)
	}
	var ink [][2]float64
	for x := 0; x < len(contrast); x++ {
		if contrast[x] <= largest*inkShare {
			continue
		}
		from := x
		for ; x < len(contrast) && contrast[x] > largest*inkShare; x++ {
		}
		n := max(1, math.Round(float64(x-from)/size))
		for i := range int(n) {
			step := float64(x-from) / n
			a, b := float64(from)+float64(i)*step, float64(from)+float64(i+1)*step
			if last := len(ink) - 1; n == 1 && last >= 0 && b-ink[last][0] <= size {
				ink[last][1] = b
			} else {
				ink = append(ink, [2]float64{a, b})
			}
		}
	}
	cells := make([][2]float64, len(ink))
	for i, c := range ink {
		middle := (c[0] + c[1]) / 2
		lo, hi := min(middle-size/2, c[0]), max(middle+size/2, c[1])
		if i > 0 {
			lo = max(lo, (ink[i-1][1]+c[0])/2)
		}
		if i < len(ink)-1 {
			hi = min(hi, (c[1]+ink[i+1][0])/2)
		}
		cells[i] = [2]float64{max(lo, 0), min(hi, float64(len(contrast)))}
	}
	return cells
}
