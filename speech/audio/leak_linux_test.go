package audio

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Native decoders are outside of Go's memory, so the process's own size is looked at.
func TestTenThousandBadInputsLeakNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"mono16k.wav", "mono16k-24bit.flac", "stereo44k.mp3", "mono8k.mp3", "stereo.opus", "surround.opus"}
	refused := 0
	before := 0
	for i := range 10000 {
		b := bytes.Clone(file(t, names[i%len(names)]))
		b = b[:min(len(b), 1+rng.IntN(5000))]
		for range rng.IntN(8) {
			b[rng.IntN(len(b))] ^= byte(1 << rng.IntN(8))
		}
		if i%2 == 0 {
			b = repairChecksums(b)
		}
		if _, _, err := decodeAll(bytes.NewReader(b), Config{}, DefaultLimits()); err != nil {
			refused++
			require.NotEmpty(t, reasonOf(err), "%v", err)
		}
		if i == 1000 {
			before = residentKiB(t)
		}
	}
	resident := residentKiB(t)
	t.Logf("%d of 10000 refused; resident %d KiB after 1000 inputs, %d KiB at the end", refused, before, resident)
	assert.Less(t, resident, before+before/10+4<<10)
}

// residentKiB is without what the garbage collector has not come to yet.
func residentKiB(t *testing.T) (kib int) {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	_, err = fmt.Sscan(rest, &kib)
	require.NoError(t, err)
	return kib
}
