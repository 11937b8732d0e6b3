package gallery_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/gallery"
)

// BenchmarkEnrol measures enrolments that are on the disk, by one caller and by 64 at once.
func BenchmarkEnrol(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, config(b, newFile(b)))
			m := gallery.ModelRef{ID: "m", SHA256: model.SHA256, Dimensions: 512}
			_, err := s.CreateGallery(b.Context(), gallery.GallerySpec{Name: "g", Model: m})
			require.NoError(b, err)
			v := make([]float32, 512)
			v[0] = 1
			var n atomic.Int64
			b.SetParallelism(callers)
			b.ResetTimer()
			if callers == 1 {
				for b.Loop() {
					_, err := s.Enrol(b.Context(), "g", gallery.EnrolRecord{Person: fmt.Sprint(n.Add(1)), Model: m, Template: v})
					require.NoError(b, err)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Enrol(b.Context(), "g", gallery.EnrolRecord{Person: fmt.Sprint(n.Add(1)), Model: m, Template: v}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkRemove measures removals, whose bytes are overwritten before they return.
func BenchmarkRemove(b *testing.B) {
	s := open(b, config(b, newFile(b)))
	create(b, s, "g")
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		enrol(b, s, "g", fmt.Sprint(n), unit(rng))
		b.StartTimer()
		_, err := s.Remove(b.Context(), "g", fmt.Sprint(n))
		require.NoError(b, err)
	}
}
