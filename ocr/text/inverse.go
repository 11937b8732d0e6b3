package text

import "math"

// inverseLeast is how much lighter than its ground writing must be for its line to be turned over, 0..255.
const inverseLeast = 40

// darkOnLight turns over a line of light writing on a darker ground, such as a sign's: networks that are taught lines of print read the negative
// better. row is a tensor of one channel and height rows of width values, of which end in each are the line's.
func darkOnLight(row []float32, width, height, end int, scale pixelScale) {
	// A twelfth of the places tells it as well as all.
	const across, down = 4, 3
	gain, offset := scale.gain[0], scale.offset[0]
	var histogram [256]int
	for y := 1; y < height; y += down {
		for x := 0; x < end; x += across {
			v := (row[y*width+x] - offset) / gain
			histogram[int(min(max(v+0.5, 0), math.MaxUint8))]++
		}
	}
	dark, middle, light := percentile(&histogram, 0.02), percentile(&histogram, 0.5), percentile(&histogram, 0.98)
	if light-middle < inverseLeast || float64(light-middle) <= inverseShare*float64(middle-dark) {
		return
	}
	both := math.MaxUint8*gain + 2*offset // of a value and its negative
	for y := range height {
		part := row[y*width:][:end]
		for x, v := range part {
			part[x] = both - v
		}
	}
}
