package codec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// reducedGray opens b and decodes its first page.
func reducedGray(b []byte, divisor int) (*imaging.Raster, imaging.Header, error) {
	d, err := Open(b, imaging.DefaultLimits())
	if err != nil {
		return nil, imaging.Header{}, err
	}
	r, err := d.ReducedGray(context.Background(), 1, divisor)
	return r, d.Header(), err
}

// Every kind of file comes out at the promised size, upright, with the grey levels of its quarters.
func TestReducedGrayOfEveryKindOfFile(t *testing.T) {
	for name, s := range samples {
		for _, divisor := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("%s at 1/%d", name, divisor), func(t *testing.T) {
				r, h, err := reducedGray(sample(t, name), divisor)
				if s.needs != "" && s.needs != Backend {
					e, ok := refusal.As(err)
					require.True(t, ok, "%v", err)
					require.Equal(t, refusal.UnsupportedType, e.Reason)
					return
				}
				require.NoError(t, err)
				require.NoError(t, r.Validate())
				w, ht := h.UprightSize()
				require.Equal(t, [2]int{ceilDiv(w, divisor), ceilDiv(ht, divisor)}, [2]int{r.Width, r.Height})
				for q, at := range [4][2]int{{1, 1}, {3, 1}, {3, 3}, {1, 3}} { // the quarters' centres
					px := r.Row(at[1] * r.Height / 4)[3*(at[0]*r.Width/4):][:3]
					want := imaging.Luma(byte(s.want[q][0]), byte(s.want[q][1]), byte(s.want[q][2]))
					require.Equal(t, [2]byte{px[0], px[0]}, [2]byte{px[1], px[2]}, "equal channels")
					assert.InDelta(t, want, px[0], s.tolerance+1, "quarter %d", q)
				}
			})
		}
	}
}

func TestReducedGrayRefusesWhatDecodeRefuses(t *testing.T) {
	for name, c := range refused(t) {
		_, _, full := Decode(context.Background(), c.b, imaging.DefaultLimits())
		r, _, err := reducedGray(c.b, 4)
		require.Nil(t, r, name)
		want, _ := refusal.As(full)
		got, ok := refusal.As(err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Equal(t, want.Reason, got.Reason, name)
	}
	d, err := Open(sample(t, "rgb.png"), imaging.DefaultLimits())
	require.NoError(t, err)
	for _, divisor := range []int{0, 3, -2, 16} {
		_, err := d.ReducedGray(context.Background(), 1, divisor)
		require.ErrorContains(t, err, "1/8")
	}
	_, err = d.ReducedGray(context.Background(), 2, 2)
	require.ErrorContains(t, err, "page 2 of 1")
}

func TestReducedGrayOfDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{"baseline-420.jpg", "progressive.jpg", "orientation-6.jpg", "grey.jpg", "cmyk.jpg", "lossy.webp", "rgb-lzw.tif"} {
		whole := sample(t, name)
		for i := range 200 {
			b := append([]byte(nil), whole...)
			for range 1 + rng.IntN(4) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			divisor := 1 << (i % 4)
			r, h, err := reducedGray(b, divisor)
			if err != nil {
				_, ok := refusal.As(err)
				require.True(t, ok, "%s: %v", name, err)
				continue
			}
			require.NoError(t, r.Validate())
			w, ht := h.UprightSize()
			require.Equal(t, [2]int{ceilDiv(w, divisor), ceilDiv(ht, divisor)}, [2]int{r.Width, r.Height}, name)
		}
	}
}

func TestReducedGrayOfEveryPage(t *testing.T) {
	d, err := Open(sample(t, "three-pages.tif"), imaging.DefaultLimits())
	require.NoError(t, err)
	for page, size := range [][2]int{{12, 8}, {8, 12}, {12, 8}} {
		r, err := d.ReducedGray(context.Background(), page+1, 4)
		require.NoError(t, err)
		assert.Equal(t, size, [2]int{r.Width, r.Height})
	}
}

// BenchmarkReducedGray decodes the JPEG of a page of 1240x1754 px at each size, and whole, in turn.
func BenchmarkReducedGray(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	r := imaging.NewRaster(1240, 1754)
	for i := range r.Pix {
		r.Pix[i] = 250
	}
	for y := 100; y < 1650; y += 34 { // lines of bars about as dense as characters
		for x := 100; x < 1140; x += 3 + rng.IntN(9) {
			for k := range 20 {
				copy(r.Row(y + k)[3*x:], []byte{20, 20, 20, 60, 60, 60})
			}
		}
	}
	jpg, err := EncodeJPEG(r, 85)
	require.NoError(b, err)
	d, err := Open(jpg, imaging.DefaultLimits())
	require.NoError(b, err)
	for _, divisor := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("1of%d", divisor), func(b *testing.B) {
			var reduced, whole time.Duration
			for b.Loop() {
				t0 := time.Now()
				if _, err := d.ReducedGray(context.Background(), 1, divisor); err != nil {
					b.Fatal(err)
				}
				t1 := time.Now()
				if _, err := d.Page(context.Background(), 1); err != nil {
					b.Fatal(err)
				}
				reduced += t1.Sub(t0)
				whole += time.Since(t1)
			}
			b.ReportMetric(float64(reduced)/float64(b.N)/1e6, "ms-reduced")
			b.ReportMetric(float64(reduced)/float64(whole), "x-whole")
		})
	}
}
