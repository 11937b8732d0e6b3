package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// finalText is a turn of 10 s as people speak: 45 characters.
var finalText = strings.Repeat("原告主张被告逾期交货应", 4) + "。"

// BenchmarkAppend measures what a record adds to a final result: 10 s of sound of each channel and a turn with its words, on the disk when it returns. The peer
// of the same run writes as many bytes to two files and calls fsync on both, with nothing else.
func BenchmarkAppend(b *testing.B) {
	for _, channels := range []int{0, 1, 4} {
		name, o := fmt.Sprintf("channels=%d", channels), Options{KeepAudio: channels > 0, Logger: quiet()}
		if channels == 0 {
			name = "no-sound"
		}
		pcm := make([]byte, 10*soundRate*sampleBytes*channels)
		var journalBytes int64
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			s := openStore(b, dir, o)
			r := create(b, s, "h")
			f := feed(b, r, max(channels, 1))
			turn := said(0, 0, finalText)
			n := 0
			for b.Loop() {
				b.StopTimer() // sound comes while somebody speaks, not with the final result
				at := float64(n * 10)
				require.NoError(b, f.Sound(b.Context(), at, pcm))
				b.StartTimer()
				turn.Start, turn.End = at, at+9
				_, err := f.Append(b.Context(), at+10, turn)
				require.NoError(b, err)
				n++
			}
			info, err := os.Stat(filepath.Join(dir, "h", journalName))
			require.NoError(b, err)
			journalBytes = info.Size() / int64(n)
			b.ReportMetric(float64(journalBytes), "journal-B/op")
		})
		b.Run(name+"/peer=write+fsync", func(b *testing.B) {
			journal, sound := bare(b), bare(b)
			entry := make([]byte, journalBytes)
			for b.Loop() {
				b.StopTimer()
				_, err := sound.Write(pcm)
				require.NoError(b, err)
				b.StartTimer()
				if channels > 0 {
					require.NoError(b, sound.Sync())
				}
				_, err = journal.Write(entry)
				require.NoError(b, err)
				require.NoError(b, journal.Sync())
			}
		})
	}
}

func bare(b *testing.B) *os.File {
	f, err := os.CreateTemp(b.TempDir(), "bare")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, f.Close()) })
	return f
}

// longHearing is a record of so many turns, every tenth corrected: 1000 are about three hours.
func longHearing(b *testing.B, dir string, turns int) {
	s := openStore(b, dir, Options{Logger: quiet(), wrap: unsynced})
	r := create(b, s, "h")
	f := feed(b, r, 1)
	for n := range turns {
		got := hear(b, f, said(0, float64(n*10), finalText))
		if n%10 == 0 {
			text := fmt.Sprint("改正", n)
			_, err := r.Correct(b.Context(), got[0].ID, Correction{Base: got[0].Revision(), Text: &text, Edit: clerk})
			require.NoError(b, err)
		}
	}
	require.NoError(b, s.Close())
}

// BenchmarkOpen measures reading a record of a long hearing, as after a restart of the server.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	longHearing(b, dir, 1000)
	for b.Loop() {
		s, err := Open(dir, Options{Logger: quiet()})
		require.NoError(b, err)
		r, err := s.Get(b.Context(), "h")
		require.NoError(b, err)
		require.Len(b, r.Snapshot().Turns, 1000)
		require.NoError(b, s.Close())
	}
}

// BenchmarkSnapshot measures the state of a long hearing after a change.
func BenchmarkSnapshot(b *testing.B) {
	dir := b.TempDir()
	longHearing(b, dir, 1000)
	r := get(b, openStore(b, dir, Options{}), "h")
	for b.Loop() {
		r.live.state = nil
		require.Len(b, r.Snapshot().Turns, 1000)
	}
}

func BenchmarkSearch(b *testing.B) {
	dir := b.TempDir()
	longHearing(b, dir, 1000)
	state := get(b, openStore(b, dir, Options{}), "h").Snapshot()
	for b.Loop() {
		hits, err := state.Search(Query{Text: "改正99"}, 0, 0)
		require.NoError(b, err)
		require.Len(b, hits, 1)
	}
}
