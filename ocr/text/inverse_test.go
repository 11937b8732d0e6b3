package text

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLightWritingIsTurnedOver(t *testing.T) {
	const width, height, end = 96, 32, 80
	scale := pixelScale{channels: 1, gain: [3]float32{2.0 / 255}, offset: [3]float32{-1}}
	const pad = float32(1)
	// draw makes a row of upright strokes that cover a quarter of the line.
	draw := func(ground, ink, grain float32) []float32 {
		rng := rand.New(rand.NewPCG(1, 2))
		row := make([]float32, width*height)
		for y := range height {
			for x := range width {
				v := ground
				if x%16 < 5 && y > 4 && y < 28 {
					v = ink
				}
				row[y*width+x] = scale.white(v+grain*float32(rng.NormFloat64()), 0)
				if x >= end {
					row[y*width+x] = pad
				}
			}
		}
		return row
	}
	for _, c := range []struct {
		name               string
		ground, ink, grain float32
		turned             bool
	}{
		{"gold on black", 30, 180, 6, true},
		{"white on purple", 120, 240, 10, true},
		{"print", 235, 20, 6, false},
		{"pencil on gray paper", 150, 110, 6, false},
		{"paper alone", 200, 200, 12, false},
		{"night alone", 20, 20, 12, false},
		{"a shade lighter than its ground", 100, 130, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := draw(c.ground, c.ink, c.grain)
			before := slices.Clone(row)
			darkOnLight(row, width, height, end, scale)
			for i, v := range row {
				want := before[i]
				if c.turned && i%width < end {
					want = -want
				}
				if d := v - want; d > 1e-5 || d < -1e-5 {
					t.Fatalf("value %d is %v, was %v, want %v", i, v, before[i], want)
				}
			}
		})
	}
}
