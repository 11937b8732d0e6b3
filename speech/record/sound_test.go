package record

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tone is so many samples of two channels, each with its place in the record.
func tone(from, n int) []byte {
	b := make([]byte, 0, n*4)
	for i := from; i < from+n; i++ {
		b = append(b, byte(i), byte(i>>8), byte(i>>16), 1)
	}
	return b
}

func TestSoundIsKept(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{KeepAudio: true})
	r := create(t, s, "h")
	f := feed(t, r, 2)
	send := func(f *Feed, from, n int) {
		t.Helper()
		require.NoError(t, f.Sound(t.Context(), float64(from)/soundRate, tone(from, n)))
	}
	got := func(r *Record, from, to int) []byte {
		t.Helper()
		sound, err := r.Sound(t.Context(), float64(from)/soundRate, float64(to)/soundRate)
		require.NoError(t, err)
		assert.Equal(t, 2, sound.Channels)
		assert.InDelta(t, float64(from)/soundRate, sound.Start, 1e-9)
		return sound.PCM
	}
	for i := range 10 {
		send(f, i*1600, 1600)
	}
	require.ErrorIs(t, f.Sound(t.Context(), 1, make([]byte, 5)), ErrInvalid)
	require.ErrorIs(t, f.Sound(t.Context(), 4000, make([]byte, 8)), ErrInvalid)
	assert.Zero(t, r.Snapshot().Sound.Seconds, "nothing is certain yet")
	hear(t, f, said(0, 0, "好"))
	assert.InDelta(t, 1, r.Snapshot().Sound.Seconds, 1e-9)
	send(f, 16000, 8000)
	require.NoError(t, s.Close()) // killed: what came after the last turn is in the file, if the machine goes on

	s = openStore(t, dir, Options{KeepAudio: true})
	r = get(t, s, "h")
	_, err := r.Feed(t.Context(), FeedOptions{Channels: 1})
	require.ErrorContains(t, err, "it was begun with 2")
	f = feed(t, r, 2)
	assert.InDelta(t, .5, f.Resume(), 1e-9)
	assert.Equal(t, tone(0, 24000), got(r, 0, 30000))
	// The client sends again from where it is told; what is certain is not written again, whatever comes.
	require.NoError(t, f.Sound(t.Context(), .5, make([]byte, 4*8000)))
	send(f, 12000, 12000)
	assert.Equal(t, tone(0, 24000), got(r, 0, 30000))
	// A client that lost sound goes on later: there is silence between.
	send(f, 32000, 1600)
	hear(t, f)
	assert.Equal(t, append(make([]byte, 4*8000), tone(32000, 1600)...), got(r, 24000, 40000))
	before := r.Snapshot()
	assert.InDelta(t, 2.1, before.Sound.Seconds, 1e-9)

	// Sound is brought to the disk though nobody speaks.
	for i := range 16 {
		send(f, 33600+i*32000, 32000)
	}
	after := r.Snapshot()
	assert.Greater(t, after.Sound.Seconds, 30.)
	assert.Equal(t, before.Settled, after.Settled)
	assert.Equal(t, before.Revision, after.Revision)
	assert.Equal(t, after, reread(t, dir, "h"))
	report, err := s.Verify(t.Context(), "h", "")
	require.NoError(t, err)
	assert.Empty(t, report.Problems)
	assert.Equal(t, after.Sound.Seconds, report.SoundSeconds)

	// A changed sample is found, and where.
	path := filepath.Join(dir, "h", soundName)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[4*20000] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
	report, err = s.Verify(t.Context(), "h", "")
	require.NoError(t, err)
	require.Len(t, report.Problems, 1)
	assert.Contains(t, report.Problems[0], "from 1.000 s to 2.100 s")
	require.NoError(t, os.Truncate(path, 4*32000))
	report, err = s.Verify(t.Context(), "h", "")
	require.NoError(t, err)
	assert.Len(t, report.Problems, 2)
	require.NoError(t, os.Remove(path))
	report, err = s.Verify(t.Context(), "h", "")
	require.NoError(t, err)
	assert.Len(t, report.Problems, 1)
}

func TestSoundThatIsNotKept(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	f := feed(t, create(t, s, "h"), 1)
	require.NoError(t, f.Sound(t.Context(), 0, make([]byte, 2*soundRate)))
	hear(t, f, said(0, 0, "今天"))
	_, err := os.Stat(filepath.Join(dir, "h", soundName))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, s.Close())

	// It is kept from some day on: what was not is silence.
	r := get(t, openStore(t, dir, Options{KeepAudio: true}), "h")
	f = feed(t, r, 1)
	require.InDelta(t, 1, f.Resume(), 1e-9)
	require.NoError(t, f.Sound(t.Context(), 1, bytes.Repeat([]byte{1}, 2*soundRate)))
	hear(t, f, said(0, 1, "明天"))
	sound, err := r.Sound(t.Context(), 0, 2)
	require.NoError(t, err)
	assert.Equal(t, append(make([]byte, 2*soundRate), bytes.Repeat([]byte{1}, 2*soundRate)...), sound.PCM)
}

// TestOneStreamAtATime wants a second stream to be refused, or to take the place of the first, which then can do nothing any more.
func TestOneStreamAtATime(t *testing.T) {
	r := create(t, openStore(t, t.TempDir(), Options{KeepAudio: true}), "h")
	f := feed(t, r, 1)
	hear(t, f, said(0, 0, "一"))
	_, err := r.Feed(t.Context(), FeedOptions{Channels: 1})
	require.ErrorIs(t, err, ErrBusy)
	next, err := r.Feed(t.Context(), FeedOptions{Channels: 1, TakeOver: true})
	require.NoError(t, err)
	_, err = f.Append(t.Context(), 5, said(0, 3, "二"))
	require.ErrorIs(t, err, ErrTakenOver)
	require.ErrorIs(t, f.Sound(t.Context(), 1, make([]byte, 2)), ErrTakenOver)
	require.NoError(t, f.Close())
	assert.Len(t, hear(t, next, said(0, 3, "二")), 1)
	require.NoError(t, next.Close())
	_, err = next.Append(t.Context(), 9)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, next.Sound(t.Context(), 1, make([]byte, 2)), ErrClosed)
	assert.Equal(t, []string{"一", "二"}, texts(r.Snapshot()))
	assert.Len(t, r.Snapshot().Sessions, 2)
}

// TestResumeWritesNothingTwice resumes while a channel was ahead of the others: its turns come again, and are on record once.
func TestResumeWritesNothingTwice(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	f := feed(t, create(t, s, "h"), 2)
	// Channel 1 speaks since second 2, and is not final.
	_, err := f.Append(t.Context(), 2, said(0, 0, "开庭。"), said(0, 4, "请坐下。"))
	require.NoError(t, err)
	require.NoError(t, s.Close())

	s = openStore(t, dir, Options{})
	r := get(t, s, "h")
	f = feed(t, r, 2)
	require.InDelta(t, 2, f.Resume(), 1e-9)
	again := said(0, 4, "请坐下。")
	again.Start, again.End = 3.9, 6.2
	got, err := f.Append(t.Context(), 2, again)
	require.NoError(t, err)
	assert.Empty(t, got)
	got, err = f.Append(t.Context(), 9, said(1, 2, "我方没有异议，审判长。"), said(0, 6, "好。"))
	require.NoError(t, err)
	assert.Len(t, got, 2)
	// A turn that reaches behind what was written is kept: twice is better than never.
	got, err = f.Append(t.Context(), 9, said(0, 4, "请坐下好。再说。"))
	require.NoError(t, err)
	assert.Len(t, got, 1)
	assert.Equal(t, int64(5), got[0].ID)
	assert.Equal(t, r.Snapshot(), reread(t, dir, "h"))
}
