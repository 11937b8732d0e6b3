package search

import "math"

// Codes of vectors have 8 bits, those of queries 7: on processors without VNNI the runtime adds two products of an unsigned
// and a signed byte in 16 bits, which 2 * 127 * 127 never fills.
const (
	rowCodes   = 127 // a row's codes are -127 to 127
	queryCodes = 63  // a query's codes are -63 to 63, kept as 1 to 127
	queryZero  = 64
)

// quantised is a block of rows as 8-bit codes: row i is about scales[i] * codes.
type quantised struct {
	codes  []byte // int8, dimensions x rows: the layout that the runtime packs from
	scales []float32
	errors []float32 // what each row's own rounding adds to a product at most
	norm   float32   // no coded row is longer
}

// quantise codes rows of at most maxNorm. Rows of zeros stay zeros, without error.
func quantise(rows []float32, dimensions int) quantised {
	n := len(rows) / dimensions
	z := quantised{codes: make([]byte, len(rows)), scales: make([]float32, n), errors: make([]float32, n)}
	for i := range n {
		row := rows[i*dimensions : (i+1)*dimensions]
		scale := largest(row) / rowCodes
		if scale == 0 {
			continue
		}
		z.scales[i] = scale
		var lost, norm float64
		for d, v := range row {
			c := math.RoundToEven(float64(v) / float64(scale))
			z.codes[d*n+i] = byte(int8(min(max(c, -rowCodes), rowCodes)))
			coded := c * float64(scale)
			lost += (float64(v) - coded) * (float64(v) - coded)
			norm += coded * coded
		}
		z.errors[i] = up(maxNorm*math.Sqrt(lost) + roundings)
		z.norm = max(z.norm, up(math.Sqrt(norm)))
	}
	return z
}

// roundings covers the float32 arithmetic on the exact integer products: a few units in the last place of values below 2.
const roundings = 4.0 / (1 << 23)

// quantiseQuery writes the codes of a query and returns their scale and the length of what was lost.
func quantiseQuery(query []float32, codes []byte) (scale, lost float32) {
	scale = largest(query) / queryCodes
	if scale == 0 {
		for d := range query {
			codes[d] = queryZero
		}
		return 0, 0
	}
	var sum float64
	for d, v := range query {
		c := math.RoundToEven(float64(v) / float64(scale))
		codes[d] = byte(int(min(max(c, -queryCodes), queryCodes)) + queryZero)
		sum += (float64(v) - c*float64(scale)) * (float64(v) - c*float64(scale))
	}
	return scale, up(math.Sqrt(sum))
}

func largest(v []float32) float32 {
	var top float32
	for _, x := range v {
		top = max(top, x, -x)
	}
	return top
}

// up rounds to float32 away from zero, so that a bound stays one.
func up(v float64) float32 {
	f := float32(v)
	if float64(f) < v {
		f = math.Nextafter32(f, math.MaxFloat32)
	}
	return f
}
