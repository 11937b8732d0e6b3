package app_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// embedded starts the documents' services on an empty store, so with our own weights.
func embedded(t *testing.T, change ...func(*conf.Config)) *grpc.ClientConn {
	t.Helper()
	conn, a := start(t, app.Documents, append(change, func(c *conf.Config) { c.OCR.Engine = app.EngineONNX })...)
	require.Empty(t, a.Notes())
	return conn
}

// picture decodes a sample.
func picture(t *testing.T, content []byte) *imaging.Raster {
	t.Helper()
	r, _, err := codec.Decode(t.Context(), content, imaging.DefaultLimits())
	require.NoError(t, err)
	return r
}

func encoded(t *testing.T, r *imaging.Raster) []byte {
	t.Helper()
	b, err := codec.EncodePNG(r)
	require.NoError(t, err)
	return b
}

// beside puts two pictures of one size side by side.
func beside(a, b *imaging.Raster) *imaging.Raster {
	out := imaging.NewRaster(a.Width+b.Width, max(a.Height, b.Height))
	for i := range out.Pix {
		out.Pix[i] = 255
	}
	for y := range a.Height {
		copy(out.Row(y), a.Row(y))
	}
	for y := range b.Height {
		copy(out.Row(y)[3*a.Width:], b.Row(y))
	}
	return out
}

// torn is a page of which the lower half is gone along a ragged edge.
func torn(r *imaging.Raster) *imaging.Raster {
	out := imaging.NewRaster(r.Width, r.Height)
	copy(out.Pix, r.Pix)
	random := rand.New(rand.NewPCG(1, 2))
	edge := r.Height / 2
	for x := range r.Width {
		edge = min(max(edge+random.IntN(7)-3, r.Height/3), 2*r.Height/3)
		for y := edge; y < r.Height; y++ {
			clear(out.Row(y)[3*x : 3*x+3])
		}
	}
	return out
}

func noise(width, height int) *imaging.Raster {
	r := imaging.NewRaster(width, height)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range r.Pix {
		r.Pix[i] = byte(random.Uint32())
	}
	return r
}

// huge is a JPEG whose header promises a picture of that size.
func huge(width, height uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 11, 8}
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, height), width)
	b = append(b, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0)
	return append(append(b, make([]byte, 4<<20)...), 0xff, 0xd9)
}

// amount is what matters of a page: how much was read, and how surely.
func amount(p *pb.Page) (characters int, confidence float64) {
	for _, l := range p.GetLines() {
		n := len([]rune(l.GetText()))
		characters += n
		confidence += float64(n) * float64(l.GetConfidence())
	}
	if characters > 0 {
		confidence /= float64(characters)
	}
	return characters, confidence
}

// TestWhatIsNoGoodPageIsAnsweredHonestly: whatever is sent, the server answers, reads no text where none is, and is the less
// sure the worse it can see.
func TestWhatIsNoGoodPageIsAnsweredHonestly(t *testing.T) {
	conn := embedded(t)
	read := func(t *testing.T, content []byte) *pb.Page {
		t.Helper()
		answer, err := recognize(callContext(t), conn, content, nil)
		require.NoError(t, err)
		require.Len(t, answer.GetPages(), 1)
		p := answer.GetPages()[0]
		require.Zero(t, p.GetStatus().GetCode(), p.GetStatus().GetMessage())
		w, h := float32(p.GetPage().GetWidth()), float32(p.GetPage().GetHeight())
		for _, l := range p.GetPage().GetLines() {
			require.LessOrEqual(t, l.GetConfidence(), float32(1))
			for _, q := range l.GetPolygon().GetPoints() {
				require.True(t, q.GetX() > -w && q.GetX() < 2*w && q.GetY() > -h && q.GetY() < 2*h, "%v on a picture of %vx%v", q, w, h)
			}
		}
		return p.GetPage()
	}
	good := sample(t, "documents", "complaint-zh.png")
	whole := picture(t, good)
	goodCount, goodConfidence := amount(read(t, good))
	require.Greater(t, goodCount, 300)

	t.Run("no text", func(t *testing.T) {
		p := read(t, blank(t, 1240, 1754))
		require.Empty(t, p.GetLines())
		require.Contains(t, p.GetSteps(), "no text found")
	})
	t.Run("1x1", func(t *testing.T) { require.Empty(t, read(t, blank(t, 1, 1)).GetLines()) })
	t.Run("a line of pixels", func(t *testing.T) { require.Empty(t, read(t, blank(t, 2000, 1)).GetLines()) })
	t.Run("noise", func(t *testing.T) {
		n, confidence := amount(read(t, encoded(t, noise(800, 600))))
		t.Logf("%d characters, confidence %.2f", n, confidence)
		require.Less(t, n, 300)
		require.True(t, n == 0 || confidence < goodConfidence-0.2, "what is read in noise is not sure")
	})
	t.Run("a portrait", func(t *testing.T) {
		n, confidence := amount(read(t, sample(t, "faces", "astronaut.jpg")))
		t.Logf("%d characters, confidence %.2f", n, confidence)
		require.Less(t, n, 60)
	})
	t.Run("one bit a pixel", func(t *testing.T) {
		p := image.NewPaletted(image.Rect(0, 0, whole.Width, whole.Height), color.Palette{color.Black, color.White})
		for i := range p.Pix {
			if whole.Pix[3*i+1] > 127 {
				p.Pix[i] = 1
			}
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, p))
		n, _ := amount(read(t, b.Bytes()))
		require.InDelta(t, goodCount, n, float64(goodCount)/5)
	})
	t.Run("transparent", func(t *testing.T) {
		p := image.NewNRGBA(image.Rect(0, 0, whole.Width, whole.Height))
		for i := range whole.Width * whole.Height {
			p.Pix[4*i+3] = 255 - whole.Pix[3*i+1] // black ink on nothing
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, p))
		n, _ := amount(read(t, b.Bytes()))
		require.InDelta(t, goodCount, n, float64(goodCount)/5)
	})
	t.Run("CMYK", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(testinput.Root(), "pipeline", "imaging", "codec", "testdata", "samples", "cmyk.jpg"))
		require.NoError(t, err)
		read(t, b)
	})
	t.Run("torn in half", func(t *testing.T) {
		n, _ := amount(read(t, encoded(t, torn(whole))))
		require.Greater(t, n, goodCount/5)
		require.Less(t, n, goodCount*4/5)
	})
	t.Run("two pages in one picture", func(t *testing.T) {
		n, _ := amount(read(t, encoded(t, beside(whole, whole))))
		require.Greater(t, n, goodCount*3/2)
	})
	t.Run("mixed directions", func(t *testing.T) {
		n, _ := amount(read(t, encoded(t, beside(whole, imaging.Orient(whole, 3)))))
		require.Greater(t, n, goodCount/2)
	})
	t.Run("hardly visible", func(t *testing.T) {
		faint := imaging.NewRaster(whole.Width, whole.Height)
		spots := noise(whole.Width, whole.Height)
		for i, v := range whole.Pix {
			faint.Pix[i] = byte(200 + int(v)/12 + int(spots.Pix[i])/16)
		}
		n, confidence := amount(read(t, encoded(t, faint)))
		t.Logf("%d characters, confidence %.2f, of the clean page %.2f", n, confidence, goodConfidence)
		require.True(t, n < goodCount/2 || confidence < goodConfidence)
	})
}

func TestFilesThatAreRefusedNameTheLimit(t *testing.T) {
	conn := embedded(t, func(c *conf.Config) { c.Limits.MaxPages = 1 })
	pdf := sample(t, "documents", "evidence-two-pages.pdf")
	var locked bytes.Buffer
	require.NoError(t, api.Encrypt(bytes.NewReader(pdf), &locked, model.NewAESConfiguration("secret", "owner", 256)))
	for name, c := range map[string]struct {
		content []byte
		code    codes.Code
		reason  string
	}{
		"30,000x30,000":  {huge(30000, 30000), codes.ResourceExhausted, "TOO_LARGE"},
		"65,535 wide":    {huge(65535, 10), codes.ResourceExhausted, "TOO_LARGE"},
		"over the pages": {pdf, codes.ResourceExhausted, "TOO_MANY_PAGES"},
		"encrypted":      {locked.Bytes(), codes.InvalidArgument, "ENCRYPTED"},
		"half a PDF":     {pdf[:len(pdf)/3], codes.InvalidArgument, "CORRUPT"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := recognize(callContext(t), conn, c.content, nil)
			requireRefused(t, err, c.code, c.reason)
		})
	}
	// A header that promises more than the limit costs no memory, as a picture alone too.
	_, err := pb.NewDocumentServiceClient(conn).DetectOrientation(callContext(t), &pb.DetectOrientationRequest{Image: &pb.Image{Content: huge(30000, 30000)}})
	requireRefused(t, err, codes.ResourceExhausted, "TOO_LARGE")
}

// Every direction comes back, alone and with the page, and the coordinates stay those of the picture as it was sent.
func TestTurnedPagesAreReadAsTheyWereSent(t *testing.T) {
	conn := embedded(t)
	upright := picture(t, sample(t, "documents", "complaint-zh.png"))
	truth := sample(t, "documents", "complaint-zh.txt")
	var first [2]float32 // centre of the first line on the upright page
	for degrees, orientation := range map[int]imaging.Orientation{0: 1, 90: 6, 180: 3, 270: 8} {
		content := encoded(t, imaging.Orient(upright, orientation))
		found, err := pb.NewDocumentServiceClient(conn).DetectOrientation(callContext(t), &pb.DetectOrientationRequest{Image: &pb.Image{Content: content}})
		require.NoError(t, err)
		require.EqualValues(t, degrees, found.GetRotation())
		answer, err := recognize(callContext(t), conn, content, nil)
		require.NoError(t, err)
		p := answer.GetPages()[0].GetPage()
		require.EqualValues(t, degrees, p.GetRotation())
		require.Less(t, errorRate(t, p, truth), 0.25)
		line := p.GetLines()[0].GetPolygon().GetPoints()
		x, y := (line[0].GetX()+line[2].GetX())/2, (line[0].GetY()+line[2].GetY())/2
		w, h := float32(upright.Width), float32(upright.Height)
		switch degrees { // back to the upright page
		case 90:
			x, y = y, h-x
		case 180:
			x, y = w-x, h-y
		case 270:
			x, y = w-y, x
		}
		if first == [2]float32{} {
			first = [2]float32{x, y}
		}
		require.InDelta(t, first[0], x, 12)
		require.InDelta(t, first[1], y, 12)
	}
}
