package codec

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// FuzzDecode holds that any bytes give a valid picture of the size that the header promised, reduced too, or a refusal.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "samples", "*"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no samples: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	lim := imaging.Limits{MaxBytes: 1 << 16, MaxPixels: 1 << 18, MaxSide: 1 << 12, MaxFrames: 8}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, h, err := Decode(context.Background(), b, lim)
		if err != nil {
			if _, ok := refusal.As(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		if w, ht := h.UprightSize(); w != r.Width || ht != r.Height {
			t.Fatalf("promised %dx%d, got %dx%d", w, ht, r.Width, r.Height)
		}
		d, err := Open(b, lim)
		if err != nil {
			t.Fatal(err)
		}
		divisor := 1 << (len(b) % 4)
		small, err := d.ReducedGray(context.Background(), 1, divisor)
		if err != nil {
			if _, ok := refusal.As(err); !ok {
				t.Fatalf("reduced: not a refusal: %v", err)
			}
			return
		}
		if small.Width != ceilDiv(r.Width, divisor) || small.Height != ceilDiv(r.Height, divisor) || small.Validate() != nil {
			t.Fatalf("%dx%d at 1/%d became %dx%d", r.Width, r.Height, divisor, small.Width, small.Height)
		}
	})
}
