package app_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

// usage is what a leak would show in.
type usage struct{ residentMB, goroutines, files, temporaries int }

func measure(t *testing.T) usage {
	runtime.GC()
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("needs /proc/self/statm: %v", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	require.NoError(t, err)
	count := func(dir string) int {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		return len(entries)
	}
	return usage{pages * os.Getpagesize() >> 20, runtime.NumGoroutine(), count("/proc/self/fd"), count(os.TempDir())}
}

// damage makes a bad input out of a good one: cut, bits flipped, bytes repeated, another type's header, or noise.
func damage(random *rand.Rand, good []byte) []byte {
	b := append([]byte(nil), good[:min(len(good), 60000)]...)
	switch random.IntN(5) {
	case 0:
		return b[:random.IntN(len(b))]
	case 1:
		for range 1 + random.IntN(40) {
			b[random.IntN(min(len(b), 2000))] ^= byte(1 << random.IntN(8))
		}
	case 2:
		at := random.IntN(len(b))
		return append(b[:at:at], b[random.IntN(len(b)):]...)
	case 3:
		copy(b, []string{"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "II*\x00", "BM", "RIFF", "%PDF-1.7", "fLaC", "OggS"}[random.IntN(8)])
	default:
		for i := range b {
			b[i] = byte(random.Uint32())
		}
	}
	return b
}

// TestTenThousandBadInputsLeaveNothingBehind sends damaged files of every kind through the whole server. Whatever they
// are, each is answered, by a refusal or a result, and none costs memory, goroutines, open files or temporary files.
func TestTenThousandBadInputsLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of bad inputs")
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	conn, a := start(t, app.Faces|app.Documents|app.Speech, func(c *conf.Config) {
		c.Limits.MaxPixels, c.Limits.MaxPages = 300_000, 4 // a damaged file that is readable after all shall be read quickly
	})
	require.Empty(t, a.Notes())
	pictures := [][]byte{
		sample(t, "faces", "astronaut.jpg"), sample(t, "documents", "agreement-en.png"), sample(t, "documents", "notice-zh.tif"),
	}
	sounds := [][]byte{
		sample(t, "speech", "court-en-16k.wav"), sample(t, "speech", "opening-zh-48k.flac"),
		sample(t, "speech", "opening-zh-opus.ogg"), sample(t, "speech", "record-en-44k.mp3"),
	}
	pdf := sample(t, "documents", "evidence-two-pages.pdf")
	faces, documents, speech := pb.NewFaceServiceClient(conn), pb.NewDocumentServiceClient(conn), pb.NewSpeechServiceClient(conn)
	random := rand.New(rand.NewPCG(7, 7))
	refused := 0
	send := func(n int) {
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		var err error
		switch {
		case n%50 == 0:
			_, err = documents.Recognize(ctx, &pb.DocumentServiceRecognizeRequest{File: &pb.DocumentFile{Content: damage(random, pdf)}})
		case n%3 == 0:
			_, err = faces.Detect(ctx, &pb.DetectRequest{Purpose: "t", Image: &pb.Image{Content: damage(random, pictures[n%len(pictures)])}})
		case n%3 == 1:
			_, err = documents.Recognize(ctx, &pb.DocumentServiceRecognizeRequest{
				File: &pb.DocumentFile{Content: damage(random, pictures[1+n%2])}, Config: &pb.DocumentConfig{Languages: []string{"eng"}},
			})
		default:
			_, err = speech.Recognize(ctx, &pb.SpeechServiceRecognizeRequest{Audio: &pb.AudioFile{Content: damage(random, sounds[n%len(sounds)])}})
		}
		if err != nil {
			refused++
			require.Contains(t, []codes.Code{codes.InvalidArgument, codes.ResourceExhausted}, status.Code(err), "input %d: %v", n, err)
		}
	}
	const warm, total = 1000, 10_000
	for n := range warm {
		send(n)
	}
	before := measure(t)
	for n := warm; n < total; n++ {
		send(n)
	}
	after := measure(t)
	t.Logf("%d of %d refused; after %d: %+v; after %d: %+v", refused, total, warm, before, total, after)
	require.Greater(t, refused, total/2)
	require.Less(t, after.residentMB, before.residentMB+before.residentMB/10+20)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before.goroutines+3 }, long, 10*time.Millisecond, "goroutines end, if a little later than their call")
	require.LessOrEqual(t, after.files, before.files+3)
	require.LessOrEqual(t, after.temporaries, before.temporaries)
}
