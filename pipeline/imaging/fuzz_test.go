package imaging

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// FuzzSniff holds that any bytes give a header within the formats' own bounds, or a refusal; and that the TIFF page
// selector accepts every page that Sniff found.
func FuzzSniff(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("codec", "testdata", "samples", "*"))
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
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Sniff(b)
		if err != nil {
			if e, ok := refusal.As(err); !ok || e.Reason.OverLimit() {
				t.Fatalf("not a refusal of content: %v", err)
			}
			return
		}
		if h.Frames < 1 || len(h.Pages) < 1 || h.Format.String() == "unknown" {
			t.Fatalf("empty header %+v", h)
		}
		for _, p := range h.Pages {
			if p.Width < 1 || p.Height < 1 || p.Orientation < 1 || p.Orientation > 8 || p.Channels < 1 || p.Channels > 4 ||
				p.Bits < 1 || p.Bits > 16 || p.DecodeMemory() < 3 {
				t.Fatalf("page %+v", p)
			}
			if h.Format != TIFF {
				continue
			}
			again, err := Sniff(TIFFPage(b, p))
			if err != nil || again.Width != p.Width || again.Height != p.Height || again.Orientation != Upright {
				t.Fatalf("page %+v alone: %+v, %v", p, again, err)
			}
		}
	})
}
