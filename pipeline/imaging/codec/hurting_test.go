package codec

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pngOf builds a PNG of the given size (grey, 8 bits) around compressed pixel data.
func pngOf(width, height int, idat []byte) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		start := len(b)
		b = append(append(b, kind...), data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = append(binary.BigEndian.AppendUint32(header, uint32(height)), 8, 0, 0, 0, 0)
	chunk("IHDR", header)
	chunk("IDAT", idat)
	chunk("IEND", nil)
	return b
}

// zeros is zlib's form of n zero bytes, about n/1000 bytes: one compressed megabyte said over and over.
func zeros(tb testing.TB, n int) []byte {
	tb.Helper()
	deflated := func(n int) []byte {
		var out bytes.Buffer
		z, err := flate.NewWriter(&out, flate.BestCompression)
		require.NoError(tb, err)
		_, err = z.Write(make([]byte, n))
		require.NoError(tb, err)
		require.NoError(tb, z.Flush())
		return out.Bytes()
	}
	const block = 1 << 20
	b := append([]byte{0x78, 0xda}, bytes.Repeat(deflated(block), n/block)...)
	b = append(append(b, deflated(n%block)...), 1, 0, 0, 0xff, 0xff) // an empty last block
	return binary.BigEndian.AppendUint32(b, uint32(n%65521)<<16|1)   // Adler-32 of zeros
}

// jpegSized is a baseline JPEG whose frame header claims another size than its pixels have.
func jpegSized(tb testing.TB, width, height uint16) []byte {
	b := append([]byte(nil), sample(tb, "baseline-420.jpg")...)
	i := bytes.Index(b, []byte{0xff, 0xc0})
	require.Positive(tb, i)
	binary.BigEndian.PutUint16(b[i+5:], height)
	binary.BigEndian.PutUint16(b[i+7:], width)
	return b
}

func bmpSized(tb testing.TB, width, height int32) []byte {
	b := append([]byte(nil), sample(tb, "rgb.bmp")...)
	binary.LittleEndian.PutUint32(b[18:], uint32(width))
	binary.LittleEndian.PutUint32(b[22:], uint32(height))
	return b
}

// tiffTagged is a sample with the first value of one tag of its first page overwritten.
func tiffTagged(tb testing.TB, name string, tag uint16, value uint32) []byte {
	b := append([]byte(nil), sample(tb, name)...)
	le := binary.LittleEndian
	at := le.Uint32(b[4:])
	for i := range uint32(le.Uint16(b[at:])) {
		e := b[at+2+12*i:][:12]
		if le.Uint16(e) == tag {
			le.PutUint16(e[2:], 4)
			le.PutUint32(e[4:], 1)
			le.PutUint32(e[8:], value)
			return b
		}
	}
	tb.Fatalf("%s has no tag %d", name, tag)
	return nil
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// refused lists inputs with the reason for which each must be refused.
func refused(tb testing.TB) map[string]struct {
	b      []byte
	reason refusal.Reason
	says   string
} {
	png, jpg, webp := sample(tb, "rgb.png"), sample(tb, "baseline-420.jpg"), sample(tb, "lossy.webp")
	circle := append([]byte(nil), sample(tb, "three-pages.tif")...)
	le := binary.LittleEndian
	first := le.Uint32(circle[4:])
	second := le.Uint32(circle[first+2+12*uint32(le.Uint16(circle[first:])):])
	le.PutUint32(circle[second+2+12*uint32(le.Uint16(circle[second:])):], first)
	scans := append([]byte(nil), jpg[:len(jpg)-2]...)
	sos := bytes.Index(jpg, []byte{0xff, 0xda})
	for range 600 {
		scans = append(scans, jpg[sos:len(jpg)-2]...)
	}
	lossless := append([]byte(nil), jpg...)
	lossless[bytes.Index(jpg, []byte{0xff, 0xc0})+1] = 0xc3

	return map[string]struct {
		b      []byte
		reason refusal.Reason
		says   string
	}{
		"nothing":                       {nil, refusal.Empty, "0 bytes"},
		"one byte":                      {[]byte{0xff}, refusal.UnsupportedType, "JPEG, PNG, TIFF, BMP or WebP"},
		"text":                          {[]byte("hello, this is no picture"), refusal.UnsupportedType, "unknown type"},
		"a script":                      {[]byte("<svg onload=alert(1)>"), refusal.UnsupportedType, "SVG"},
		"a PDF":                         {[]byte("%PDF-1.7\n"), refusal.UnsupportedType, "PDF"},
		"a GIF":                         {sample(tb, "animated.gif"), refusal.UnsupportedType, "GIF"},
		"HEIC":                          {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), refusal.UnsupportedType, "HEIC"},
		"BigTIFF":                       {[]byte("II+\x00\x08\x00\x00\x00"), refusal.UnsupportedType, "BigTIFF"},
		"animated PNG":                  {sample(tb, "animated.png"), refusal.UnsupportedType, "2 frames"},
		"animated WebP":                 {sample(tb, "animated.webp"), refusal.UnsupportedType, "2 frames"},
		"PNG header, JPEG body":         {concat(png[:8], jpg), refusal.Corrupt, "IHDR"},
		"JPEG header, PNG body":         {concat(jpg[:3], png), "", "JPEG"},
		"PNG without its end":           {png[:len(png)-12], refusal.Truncated, "IEND"},
		"JPEG without its end":          {jpg[:len(jpg)-2], refusal.Truncated, "pixel data"},
		"WebP without its end":          {webp[:len(webp)-9], refusal.Truncated, "bytes"},
		"lossless JPEG":                 {lossless, refusal.UnsupportedType, "lossless"},
		"JPEG of 600 scans":             {scans, refusal.Corrupt, "500 scans"},
		"JPEG of height 0":              {jpegSized(tb, 48, 0), refusal.Corrupt, "48x0"},
		"JPEG claims 9000x9000":         {jpegSized(tb, 9000, 9000), refusal.Truncated, "9000x9000"},
		"JPEG claims 65535x65535":       {sizedBody(tb, 65535, 65535), refusal.TooLarge, "limits.max_image_side"},
		"JPEG claims 30000x30000":       {sizedBody(tb, 30000, 30000), refusal.TooLarge, "limits.max_pixels"},
		"tiny PNG claims 50000x50000":   {pngOf(50000, 50000, zeros(tb, 100)), refusal.Truncated, "50000x50000"},
		"tiny PNG claims 8000x8000":     {pngOf(8000, 8000, zeros(tb, 100)), refusal.Truncated, "8000x8000"},
		"PNG of 20000x20000 zeros":      {pngOf(20000, 20000, zeros(tb, 20000*20001)), refusal.TooLarge, "limits.max_pixels"},
		"PNG claims 2^31-1":             {pngOf(1<<31-1, 1<<31-1, zeros(tb, 100)), refusal.Truncated, "2147483647"},
		"PNG of size 0":                 {pngOf(0, 7, zeros(tb, 100)), refusal.Corrupt, "0x7"},
		"PNG with garbage pixels":       {pngOf(8, 8, []byte("no zlib stream at all")), refusal.Corrupt, "PNG"},
		"PNG with too few pixels":       {pngOf(100, 100, zeros(tb, 900)), "", "PNG"},
		"BMP claims 20000x20000":        {bmpSized(tb, 20000, 20000), refusal.Truncated, "bytes of pixel data"},
		"BMP of negative width":         {bmpSized(tb, -48, 32), refusal.Corrupt, "-48"},
		"BMP of the lowest height":      {bmpSized(tb, 48, -1<<31), refusal.Truncated, "bytes of pixel data"},
		"TIFF pages in a circle":        {circle, refusal.Corrupt, "circle"},
		"TIFF without pages":            {[]byte("II*\x00\x00\x00\x00\x00"), refusal.Corrupt, "no pages"},
		"TIFF directory past its end":   {[]byte("II*\x00\xff\xff\xff\xff"), refusal.Truncated, "directory"},
		"TIFF claims 50000 wide":        {tiffTagged(tb, "bilevel-g4.tif", 256, 50000), refusal.TooLarge, "limits.max_image_side"},
		"TIFF LZW claims 2^30 high":     {tiffTagged(tb, "rgb-lzw.tif", 257, 1<<30), refusal.Truncated, "1073741824"},
		"TIFF fax claims 39999x39999":   {tiffTagged(tb, "fax.tif", 257, 39_999_999), refusal.TooLarge, "limits.max_image_side"},
		"TIFF tiles of 2^28":            {tiffTagged(tb, "tiled.tif", 322, 1<<28), refusal.TooLarge, "tile of"},
		"TIFF compressed by an unknown": {tiffTagged(tb, "rgb-none.tif", 259, 34712), refusal.UnsupportedType, "34712"},
		"TIFF of floats":                {tiffTagged(tb, "rgb-none.tif", 262, 32845), refusal.UnsupportedType, "32845"},
		"TIFF strips beyond the file":   {tiffTagged(tb, "bilevel.tif", 273, 1<<31), refusal.Truncated, "page 1"},
	}
}

// sizedBody is jpegSized with enough pixel data for the claim to be plausible.
func sizedBody(tb testing.TB, width, height uint16) []byte {
	b := jpegSized(tb, width, height)
	return concat(b[:len(b)-2], make([]byte, int(width)*int(height)/256/8+1), b[len(b)-2:])
}

func TestRefusesWithAReason(t *testing.T) {
	bomb := pngOf(20000, 20000, zeros(t, 20000*20001))
	require.Less(t, len(bomb), 1<<20, "a bomb is small")
	for name, c := range refused(t) {
		t.Run(name, func(t *testing.T) {
			r, _, err := Decode(context.Background(), c.b, imaging.DefaultLimits())
			require.Error(t, err)
			require.Nil(t, r)
			e, ok := refusal.As(err)
			require.True(t, ok, "%T %v", err, err)
			if c.reason != "" { // else TRUNCATED or CORRUPT, as it is read
				assert.Equal(t, c.reason, e.Reason, "%v", err)
			}
			assert.Contains(t, err.Error(), c.says)
			if e.Reason.OverLimit() {
				assert.Positive(t, e.Limit)
				assert.Greater(t, e.Got, e.Limit)
			}
		})
	}
}

func TestLimitsNameTheirKey(t *testing.T) {
	b, pages := sample(t, "rgb.png"), sample(t, "three-pages.tif")
	for _, c := range []struct {
		b    []byte
		lim  imaging.Limits
		says string
	}{
		{b, imaging.Limits{MaxBytes: 100}, "limits.max_image_bytes"},
		{b, imaging.Limits{MaxPixels: 48*32 - 1}, "limits.max_pixels"},
		{b, imaging.Limits{MaxSide: 47}, "limits.max_image_side"},
		{pages, imaging.Limits{MaxFrames: 2}, "limits.max_pages"},
		{pages, imaging.Limits{MaxSide: 47}, "page 1: 48x32 px exceeds max_image_side 47"},
	} {
		_, _, err := Decode(context.Background(), c.b, c.lim)
		e, ok := refusal.As(err)
		require.True(t, ok, "%v", err)
		require.True(t, e.Reason.OverLimit())
		require.ErrorContains(t, err, c.says)
	}
	_, _, err := Decode(context.Background(), pages, imaging.Limits{})
	require.NoError(t, err, "no limits")
}

func TestOnePixel(t *testing.T) {
	b, err := EncodePNG(&imaging.Raster{Pix: []byte{1, 2, 3}, Width: 1, Height: 1})
	require.NoError(t, err)
	r, _, err := Decode(context.Background(), b, imaging.DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, &imaging.Raster{Pix: []byte{1, 2, 3}, Width: 1, Height: 1}, r)
}

// TestDamageIsRefusedOrDecoded cuts every sample at every byte and flips bits all over it: each call must end with a
// picture of the header's size or with a refusal; a cut header or container is always a refusal.
func TestDamageIsRefusedOrDecoded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ctx := context.Background()
	for name := range samples {
		whole := sample(t, name)
		step := max(1, len(whole)/150)
		for cut := 0; cut < len(whole); cut += step {
			r, _, err := Decode(ctx, whole[:cut], imaging.DefaultLimits())
			if err == nil {
				// What follows the last strip or the last needed byte may be missing without a loss.
				require.NoError(t, r.Validate())
				continue
			}
			_, ok := refusal.As(err)
			require.True(t, ok, "%s cut at %d: %v", name, cut, err)
		}
		for range 60 {
			b := append([]byte(nil), whole...)
			for range 1 + rng.IntN(4) {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
			r, h, err := Decode(ctx, b, imaging.DefaultLimits())
			if err == nil {
				require.NoError(t, r.Validate())
				w, ht := h.UprightSize()
				require.Equal(t, [2]int{w, ht}, [2]int{r.Width, r.Height}, name)
				continue
			}
			_, ok := refusal.As(err)
			require.True(t, ok, "%s with flipped bits: %v", name, err)
		}
	}
}

func TestDecodeHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := sample(t, "three-pages.tif")
	n := 0
	err := DecodeAll(ctx, b, imaging.DefaultLimits(), func(int, *imaging.Raster) error {
		n++
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n)

	// A decoder whose only slot is taken answers when the caller's context ends.
	d := NewDecoder(Config{MaxConcurrent: 1})
	require.NoError(t, d.slots.Acquire(context.Background(), 1))
	_, _, err = d.Decode(ctx, b, imaging.DefaultLimits())
	require.ErrorIs(t, err, context.Canceled)
	d.slots.Release(1)
	_, _, err = d.Decode(context.Background(), b, imaging.DefaultLimits())
	require.NoError(t, err)
}

func TestBoundedMemoryLetsEveryoneThrough(t *testing.T) {
	d := NewDecoder(Config{MaxConcurrent: 4, MaxMemory: 1}) // every picture is over it, so they pass one by one
	b := sample(t, "rgb.png")
	var wg sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		wg.Go(func() { _, _, errs[i] = d.Decode(context.Background(), b, imaging.DefaultLimits()) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// TestBadInputLeaksNothing measures resident memory, goroutines and, with the build tag matprofile, open OpenCV matrices
// over 10,000 damaged pictures.
func TestBadInputLeaksNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 decodes")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	names := make([]string, 0, len(samples))
	pool := map[string][]byte{}
	for name := range samples {
		names = append(names, name)
		pool[name] = sample(t, name)
	}
	ctx := context.Background()
	refusedInputs := 0
	one := func(i int) {
		b := append([]byte(nil), pool[names[i%len(names)]]...)
		switch i % 3 {
		case 0:
			b = b[:rng.IntN(len(b))]
		case 1:
			for range 1 + rng.IntN(8) {
				b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
			}
		case 2:
			for k := len(b) / 2; k < len(b); k++ {
				b[k] = byte(rng.UintN(256))
			}
		}
		if _, _, err := Decode(ctx, b, imaging.DefaultLimits()); err != nil {
			refusedInputs++
		}
	}
	const n = 10_000
	for i := range n / 5 {
		one(i)
	}
	goroutines, mats, before := runtime.NumGoroutine(), openMats(), residentBytes(t)
	for i := range n {
		one(i)
	}
	after := residentBytes(t)
	t.Logf("%s: %d of %d refused; resident %.1f -> %.1f MB; goroutines %d -> %d; open Mats %d -> %d", Backend, refusedInputs,
		n+n/5, float64(before)/1e6, float64(after)/1e6, goroutines, runtime.NumGoroutine(), mats, openMats())
	// What a call began may end a little later than it; Eventually's own goroutine is one more.
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+1 }, time.Minute, time.Millisecond)
	assert.Equal(t, mats, openMats())
	assert.Less(t, after-before, int64(64<<20), "resident memory grew")
}

// residentBytes is without what the garbage collector has not come to yet.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs /proc/self/statm")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	require.NoError(t, err, fmt.Sprintf("%q", b))
	return pages * int64(os.Getpagesize())
}
