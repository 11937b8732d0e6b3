//go:build gocv_specific_modules

package codec

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func picture(width, height int) *imaging.Raster {
	rng := rand.New(rand.NewPCG(1, uint64(width)))
	small := imaging.NewRaster(max(width/16, 1), max(height/16, 1))
	for i := range small.Pix {
		small.Pix[i] = byte(rng.UintN(256))
	}
	return imaging.Resize(small, width, height)
}

// BenchmarkToTensorAgainstOpenCV builds the same tensor with imaging.ToTensor and with OpenCV's resize (area when
// shrinking, else linear), conversion to float and split into planes, in turn.
func BenchmarkToTensorAgainstOpenCV(b *testing.B) {
	for _, c := range []struct{ w, h, toW, toH int }{{250, 250, 320, 320}, {640, 480, 640, 480}, {1920, 1080, 640, 360}, {4000, 3000, 640, 480}} {
		b.Run(fmt.Sprintf("%dx%d-to-%dx%d", c.w, c.h, c.toW, c.toH), func(b *testing.B) {
			r, spec := picture(c.w, c.h), imaging.Spec{Width: c.toW, Height: c.toH}
			dst := make([]float32, spec.Elements())
			src, err := gocv.NewMatFromBytes(c.h, c.w, gocv.MatTypeCV8UC3, r.Pix)
			require.NoError(b, err)
			defer src.Close()
			small, floats := gocv.NewMat(), gocv.NewMat()
			defer small.Close()
			defer floats.Close()
			how := gocv.InterpolationArea
			if c.toW >= c.w {
				how = gocv.InterpolationLinear
			}
			var ours, theirs time.Duration
			for b.Loop() {
				t0 := time.Now()
				if _, err := imaging.ToTensor(dst, r, spec); err != nil {
					b.Fatal(err)
				}
				t1 := time.Now()
				require.NoError(b, gocv.Resize(src, &small, image.Pt(c.toW, c.toH), 0, 0, how))
				small.ConvertTo(&floats, gocv.MatTypeCV32F)
				for _, plane := range gocv.Split(floats) {
					require.NoError(b, plane.Close())
				}
				ours += t1.Sub(t0)
				theirs += time.Since(t1)
			}
			b.ReportMetric(float64(ours)/float64(b.N)/1e6, "ms-ours")
			b.ReportMetric(float64(ours)/float64(theirs), "x-opencv")
		})
	}
}

// BenchmarkDecodeAgainstGo decodes a JPEG and a PNG with this build's decoder and with Go's, in turn.
func BenchmarkDecodeAgainstGo(b *testing.B) {
	r := picture(1280, 720)
	jpg, err := EncodeJPEG(r, 0)
	require.NoError(b, err)
	png, err := EncodePNG(r)
	require.NoError(b, err)
	for name, data := range map[string][]byte{"JPEG": jpg, "PNG": png} {
		b.Run(name+"-1280x720", func(b *testing.B) {
			h, err := imaging.Sniff(data)
			require.NoError(b, err)
			var ours, theirs time.Duration
			for b.Loop() {
				t0 := time.Now()
				if _, err := decode(data, h.Format, h.PageHeader); err != nil {
					b.Fatal(err)
				}
				t1 := time.Now()
				if _, err := decodeGo(data, h.Format, h.PageHeader); err != nil {
					b.Fatal(err)
				}
				ours += t1.Sub(t0)
				theirs += time.Since(t1)
			}
			b.ReportMetric(float64(ours)/float64(b.N)/1e6, "ms-ours")
			b.ReportMetric(float64(ours)/float64(theirs), "x-go")
		})
	}
}
