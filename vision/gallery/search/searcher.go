package search

import (
	"context"
)

// Searcher multiplies vectors. It is safe for concurrent use.
type Searcher interface {
	// Dot writes the products of n = len(rows)/dimensions rows with q = len(queries)/dimensions queries in float32:
	// out[j*n+i] is row i times query j.
	Dot(ctx context.Context, rows, queries []float32, dimensions int, out []float32) error
	// Prepare copies rows into the form that the device multiplies fastest, for as long as they stay the same. It returns
	// nil when Dot is as fast. The caller closes what it returns.
	Prepare(ctx context.Context, rows []float32, dimensions int) (Prepared, error)
	// Close frees what the searcher holds; it is idempotent, and may not be called before the last Prepared is closed.
	Close() error
}

// Prepared is a copy of rows that a device holds. It is safe for concurrent use.
type Prepared interface {
	// Dot writes approximate products of its n rows with the queries, of length 1 each: out[j*n+i] differs from the true
	// product of row i with query j by at most RowErrors()[i] + queryErrors[j].
	Dot(ctx context.Context, queries, out, queryErrors []float32) error
	// RowErrors returns the part of the bound that belongs to each row. It must not be changed.
	RowErrors() []float32
	// Close frees the copy; it is idempotent and waits for running calls.
	Close() error
}

// maxNorm bounds the length of vectors that are taken for unit vectors: a model's rounding is far below it.
const maxNorm = 1.001

// floatError bounds the error of a float32 product of two vectors of at most maxNorm, added up in any order: n*u/(1-n*u)
// with u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), and two more roundings.
func floatError(dimensions int) float32 {
	n := float32(dimensions+2) * (1.0 / (1 << 24))
	return maxNorm * maxNorm * n / (1 - n)
}

type plain struct{}

// NewPlain returns a searcher in Go alone, for machines without the engine's runtime and for tests: a sixth of the
// engine's speed or less.
func NewPlain() Searcher { return plain{} }

func (plain) Prepare(context.Context, []float32, int) (Prepared, error) { return nil, nil }

func (plain) Close() error { return nil }

func (plain) Dot(ctx context.Context, rows, queries []float32, dimensions int, out []float32) error {
	n := len(rows) / dimensions
	for i := range n {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row := rows[i*dimensions : (i+1)*dimensions]
		for j := range len(queries) / dimensions {
			out[j*n+i] = dot(row, queries[j*dimensions:(j+1)*dimensions])
		}
	}
	return nil
}

// dot has eight sums, so that additions do not wait for each other.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		s4 += a[4] * b[4]
		s5 += a[5] * b[5]
		s6 += a[6] * b[6]
		s7 += a[7] * b[7]
		a, b = a[8:], b[8:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
}

// Cosine returns the product of two unit vectors of one length, -1 to 1, added up in float64. All that an [Index] answers
// is computed by it.
func Cosine(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0]) * float64(b[0])
		s1 += float64(a[1]) * float64(b[1])
		s2 += float64(a[2]) * float64(b[2])
		s3 += float64(a[3]) * float64(b[3])
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += float64(a[i]) * float64(b[i])
	}
	return min(max((s0+s1)+(s2+s3), -1), 1)
}
