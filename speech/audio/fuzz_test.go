package audio

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/audio/ogg"
)

// checkDecode demands of any bytes that they are decoded within the limits or refused, the same in one piece as byte by
// byte. Inputs have at most 64 KiB, and sound at most two seconds, so that the fuzzer is fast.
func checkDecode(t *testing.T, b []byte, cfg Config) {
	if len(b) > 64<<10 {
		t.Skip("longer than a fuzzed input is meant to be")
	}
	lim := DefaultLimits()
	lim.MaxDuration = 2 * time.Second
	info, pcm, err := decodeAll(bytes.NewReader(b), cfg, lim)
	if err != nil && reasonOf(err) == "" {
		t.Fatalf("%v is no refusal", err)
	}
	if err == nil && len(pcm) == 0 {
		t.Fatal("no samples and no refusal")
	}
	if info.Channels > 0 {
		if len(pcm)%info.Channels != 0 || len(pcm)/info.Channels > 2*info.SampleRate {
			t.Fatalf("%d samples of %+v", len(pcm), info)
		}
	}
	for i, x := range pcm {
		if !(x >= -maxAmplitude && x <= maxAmplitude) {
			t.Fatalf("sample %d is %v", i, x)
		}
	}
	_, again, errAgain := decodeAll(iotest.OneByteReader(bytes.NewReader(b)), cfg, lim)
	// libFLAC looks for a next frame where one is damaged; whether it meets the end of the stream on the way depends on
	// how much it was given at once.
	damaged := func(err error) bool { return reasonOf(err) == refusal.Corrupt || reasonOf(err) == refusal.Truncated }
	same := reasonOf(err) == reasonOf(errAgain) || damaged(err) && damaged(errAgain)
	if !same || len(pcm) != len(again) {
		t.Fatalf("in one piece %d samples and %v, byte by byte %d and %v", len(pcm), err, len(again), errAgain)
	}
}

func seed(f *testing.F, names ...string) {
	for _, name := range names {
		b := file(f, name)
		f.Add(b[:min(len(b), 6000)])
	}
}

func FuzzDecodeWAV(f *testing.F) {
	f.Add(wave(1, 1, 16000, 16, 8, make([]byte, 8), "LIST\x03\x00\x00\x00abc\x00"))
	f.Add(wave(3, 2, 8000, 32, 0xFFFFFFFF, make([]byte, 64)))
	f.Add(wave(7, 1, 8000, 8, 5, []byte("12345\x00LIST\x00\x00\x00\x00")))
	f.Add([]byte("RF64\xff\xff\xff\xffWAVEds64\x1c\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, b, Config{Encoding: WAV}) })
}

func FuzzDecodeFLAC(f *testing.F) {
	seed(f, "mono16k-24bit.flac", "stereo44k.flac")
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, b, Config{Encoding: FLAC}) })
}

func FuzzDecodeMP3(f *testing.F) {
	seed(f, "stereo44k.mp3", "mono22k.mp3", "mono8k.mp3")
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, b, Config{Encoding: MP3}) })
}

func FuzzDecodeOggOpus(f *testing.F) {
	seed(f, "stereo.opus", "surround.opus")
	f.Fuzz(func(t *testing.T, b []byte) {
		checkDecode(t, b, Config{Encoding: OggOpus})
		checkDecode(t, repairChecksums(bytes.Clone(b)), Config{Encoding: OggOpus})
	})
}

func FuzzDecodeRaw(f *testing.F) {
	f.Add([]byte("some raw samples"), uint8(Float32), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, enc, channels uint8) {
		checkDecode(t, b, Config{Encoding: Encoding(enc % 12), SampleRate: 8000, Channels: int(channels)})
	})
}

// repairChecksums lets the fuzzer past the pages' checksums.
func repairChecksums(b []byte) []byte {
	for rest := b; len(rest) >= 27; {
		end := 27 + int(rest[26])
		if len(rest) < end {
			break
		}
		for _, lace := range rest[27:end] {
			end += int(lace)
		}
		if len(rest) < end {
			break
		}
		clear(rest[22:26])
		binary.LittleEndian.PutUint32(rest[22:], ogg.Checksum(rest[:end]))
		rest = rest[end:]
	}
	return b
}

func TestAnnouncedSizesCostNoMemory(t *testing.T) {
	for name, b := range map[string][]byte{
		"ID3 tag of 256 MB":       []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"),
		"WAV chunk of 4 GB":       []byte("RIFF\x00\x00\x00\x00WAVELIST\xf0\xff\xff\xffab"),
		"FLAC picture of 4 GB":    []byte("fLaC\x06\xff\xff\xff\x00\x00\x00\x03\xff\xff\xff\xff"),
		"WAV samples of 2 GB":     wave(1, 8, 16000, 16, 0x7FFE0000, nil),
		"Opus packet of any size": bytes.Repeat([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff"), 3),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := decodeAll(bytes.NewReader(b), Config{}, DefaultLimits())
		runtime.ReadMemStats(&after)
		assert.Contains(t, []refusal.Reason{refusal.Truncated, refusal.Corrupt}, reasonOf(err), "%s: %v", name, err)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), name)
	}
}
