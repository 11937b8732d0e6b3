package pdf

import (
	"bytes"
	"testing"
	"time"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// A description by pdfinfo is partly the file's own text, so any text may come.
func FuzzParseInfo(f *testing.F) {
	f.Add("Title: x\nPages:           2\nEncrypted: no\nPage    1 size:  595.2 x 841.92 pts (A4)\nPage    1 rot:   90\n")
	f.Add("Pages: 1\nPages: -3\nPage 1 size: nan x inf pts\nPage 99999999999999999999 size: 1 x 1 pts")
	f.Add("Pages:\nPage 1 size: 1 x 1 pts\nPage 0 rot: 90\n:::\n")
	f.Fuzz(func(t *testing.T, out string) {
		in, err := parseInfo(out)
		if err != nil {
			return
		}
		if in.pages < 0 {
			t.Fatalf("%d pages", in.pages)
		}
		for n, s := range in.sizes {
			if n < 1 || !s.valid() {
				t.Fatalf("page %d has size %v", n, s)
			}
		}
	})
}

func FuzzReadPPM(f *testing.F) {
	f.Add([]byte("P6\n2 1\n255\n\x01\x02\x03\x04\x05\x06"))
	f.Add([]byte("P6 # comment\n1 1 # another\n255\nabc"))
	f.Add([]byte("P6\n16000000 16000000\n255\n"))
	f.Add([]byte("P6\n1 1\n65535\nabcdef"))
	limits := Limits{MaxPixels: 1000, MaxSide: 100}.withDefaults()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readPPM(bytes.NewReader(b), limits)
		if err != nil {
			return
		}
		if r.Width < 1 || r.Height < 1 || r.Width > 100 || r.Height > 100 || len(r.Pix) != 3*r.Width*r.Height || len(r.Pix) > len(b) {
			t.Fatalf("%dx%d px with %d bytes from %d", r.Width, r.Height, len(r.Pix), len(b))
		}
	})
}

// FuzzOpen drives Poppler itself: slow, but what it answers must always be a page or a refusal.
func FuzzOpen(f *testing.F) {
	f.Add(sample(page{content: redSquare}))
	f.Add(laughs(2))
	f.Add(liar())
	f.Add([]byte("%PDF-1.7\n1 0 obj\n<< /Type /Catalog"))
	f.Add([]byte("not a PDF"))
	limits := Limits{MaxPages: 20, MaxPixels: 1_000_000, PageTime: 2 * time.Second, MaxMemory: 512 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Open(t.Context(), b, limits)
		if err != nil {
			if _, ok := refusal.As(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if _, err = d.Render(t.Context(), 1, 30); err != nil {
			if _, ok := refusal.As(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
