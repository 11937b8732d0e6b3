package record

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// faults let calls to the disk fail.
type faults struct {
	room     atomic.Int64 // bytes that can still be written; what does not fit is cut
	sync     atomic.Bool  // fsync fails
	truncate atomic.Bool  // truncating fails
	lazy     bool         // Sync does nothing
}

func newFaults() *faults {
	f := &faults{}
	f.room.Store(1 << 40)
	return f
}

type faultyFile struct {
	*os.File
	faults *faults
}

func (f *faults) wrap(file *os.File) file { return faultyFile{File: file, faults: f} }

func (f faultyFile) WriteAt(b []byte, at int64) (int, error) {
	if left := f.faults.room.Add(-int64(len(b))); left < 0 {
		fits := max(int64(len(b))+left, 0)
		f.faults.room.Store(0)
		n, err := f.File.WriteAt(b[:fits], at)
		return n, errors.Join(err, syscall.ENOSPC)
	}
	return f.File.WriteAt(b, at)
}

// unsynced makes files whose Sync does nothing, for tests that write much and cut no power.
func unsynced(f *os.File) file { return unsyncedFile{f} }

type unsyncedFile struct{ *os.File }

func (unsyncedFile) Sync() error { return nil }

func (f faultyFile) Sync() error {
	if f.faults.sync.Load() {
		return syscall.EIO
	}
	if f.faults.lazy {
		return nil
	}
	return f.File.Sync()
}

func (f faultyFile) Truncate(size int64) error {
	if f.faults.truncate.Load() {
		return syscall.EIO
	}
	return f.File.Truncate(size)
}

// TestDiskFullInTheHearing fills the disk while a hearing goes on: what was acknowledged stays and can be read, what was not is told so, and when there is
// room again the hearing goes on with the same call.
func TestDiskFullInTheHearing(t *testing.T) {
	dir, disk := t.TempDir(), newFaults()
	s := openStore(t, dir, Options{KeepAudio: true, wrap: disk.wrap})
	r := create(t, s, "h")
	f := feed(t, r, 1)
	require.NoError(t, f.Sound(t.Context(), 0, make([]byte, 2*soundRate)))
	hear(t, f, said(0, 0, "现在开庭。"))
	before := r.Snapshot()

	disk.room.Store(40) // a part of the entry fits
	_, err := f.Append(t.Context(), 5, said(0, 3, "请坐。"))
	require.ErrorIs(t, err, ErrFull)
	require.ErrorContains(t, err, filepath.Join(dir, "h", journalName))
	text := "开庭。"
	c := Correction{Base: before.Turns[0].Revision(), Text: &text, Edit: clerk}
	_, err = r.Correct(t.Context(), 1, c)
	require.ErrorIs(t, err, ErrFull)
	require.ErrorIs(t, f.Sound(t.Context(), 5, make([]byte, 2*soundRate)), ErrFull)
	_, err = s.Create(t.Context(), "other", Case{}, clerk)
	require.ErrorIs(t, err, ErrFull)
	assert.Equal(t, before, r.Snapshot())
	assert.Equal(t, before, reread(t, dir, "h"), "nothing half written is in the file")
	sound, err := r.Sound(t.Context(), 0, 1)
	require.NoError(t, err)
	assert.Len(t, sound.PCM, 2*soundRate)

	disk.room.Store(1 << 40)
	got := hear(t, f, said(0, 3, "请坐。"))
	require.Len(t, got, 1)
	assert.Equal(t, int64(2), got[0].ID)
	_, err = r.Correct(t.Context(), 1, c)
	require.NoError(t, err)
	require.NoError(t, f.Sound(t.Context(), 5, make([]byte, 2*soundRate)))
	hear(t, f)
	now := r.Snapshot()
	assert.Equal(t, now, reread(t, dir, "h"))
	report, err := s.Verify(t.Context(), "h", before.Head)
	require.NoError(t, err)
	assert.Empty(t, report.Problems)
	assert.InDelta(t, 6, report.SoundSeconds, 1e-9, "the second that was missing is silence")
}

// TestFailingDisk lets writes, fsync and truncating fail at random. What was acknowledged, and nothing else, is in the record and in its file.
func TestFailingDisk(t *testing.T) {
	parent, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir, disk := filepath.Join(parent, string(rune('a'+n%26))+strings.Repeat("x", n/26)), newFaults()
		disk.lazy = true
		o := Options{KeepAudio: rapid.Bool().Draw(rt, "sound"), wrap: disk.wrap, Logger: quiet()}
		s, err := Open(dir, o)
		require.NoError(rt, err)
		defer func() { s.Close() }()
		r, err := s.Create(t.Context(), "h", hearing, clerk)
		require.NoError(rt, err)
		f, err := r.Feed(t.Context(), FeedOptions{Channels: 1})
		require.NoError(rt, err)
		want, at := []string(nil), 0.
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			disk.room.Store(int64(rapid.SampledFrom([]int{1 << 40, 0, 1, 100, 1000}).Draw(rt, "room")))
			disk.sync.Store(rapid.IntRange(0, 4).Draw(rt, "sync") == 0)
			disk.truncate.Store(rapid.IntRange(0, 2).Draw(rt, "truncate") == 0)
			_ = f.Sound(t.Context(), at, make([]byte, soundRate))
			turn := said(0, at, "句"+string(rune('一'+len(want))))
			if _, err := f.Append(t.Context(), turn.End, turn); err == nil {
				want, at = append(want, turn.Text), turn.End
			}
			require.Equal(rt, want, texts(r.Snapshot()))
		}
		// The process dies here; what failed last may have been left in the file, but nothing that comes after it is lost to that.
		state := r.Snapshot()
		require.NoError(rt, s.Close())
		disk.room.Store(1 << 40)
		disk.sync.Store(false)
		disk.truncate.Store(false)
		s, err = Open(dir, o)
		require.NoError(rt, err)
		r, err = s.Get(t.Context(), "h")
		require.NoError(rt, err)
		again := r.Snapshot()
		require.GreaterOrEqual(rt, len(again.Turns), len(want))
		require.LessOrEqual(rt, len(again.Turns), len(want)+1, "no more than the one whose answer was an error")
		require.Equal(rt, state.Revisions, again.Revisions[:len(state.Revisions)])
		report, err := s.Verify(t.Context(), "h", state.Head)
		require.NoError(rt, err)
		require.Empty(rt, report.Problems)
	})
}

// TestFullFileSystem fills a real file system.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 200<<10), 0o600))
	s, err := Open(filepath.Join(dir, "records"), Options{KeepAudio: true, Logger: quiet()})
	require.NoError(t, err)
	defer s.Close()
	r, err := s.Create(t.Context(), "h", hearing, clerk)
	require.NoError(t, err)
	f, err := r.Feed(t.Context(), FeedOptions{Channels: 1})
	require.NoError(t, err)
	n := 0
	for ; ; n++ {
		require.Less(t, n, 100)
		err = f.Sound(t.Context(), float64(n), make([]byte, 2*soundRate))
		if err == nil {
			_, err = f.Append(t.Context(), float64(n+1), said(0, float64(n), "好"))
		}
		if err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrFull)
	require.NotZero(t, n)
	state := r.Snapshot()
	require.Len(t, state.Turns, n)
	require.NoError(t, os.Remove(ballast))
	require.NoError(t, f.Sound(t.Context(), float64(n), make([]byte, 2*soundRate)))
	_, err = f.Append(t.Context(), float64(n+1), said(0, float64(n), "好"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Len(t, reread(t, filepath.Join(dir, "records"), "h").Turns, n+1)
	report, err := Verify(t.Context(), filepath.Join(dir, "records", "h"), state.Head)
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	require.InDelta(t, float64(n+1), report.SoundSeconds, 1e-9)
}

// TestReadOnlyFolder wants a record in a folder that can't be written to be named so.
func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	r := create(t, openStore(t, dir, Options{}), "h")
	o := openStore(t, dir, Options{ReadOnly: true})
	_, err := o.Create(t.Context(), "g", Case{}, clerk)
	require.ErrorIs(t, err, ErrReadOnly)
	only := get(t, o, "h")
	_, err = only.Insert(t.Context(), 0, Turn{Text: "a"}, clerk)
	require.ErrorIs(t, err, ErrReadOnly)
	_, err = only.Feed(t.Context(), FeedOptions{Channels: 1})
	require.ErrorIs(t, err, ErrReadOnly)
	_, err = r.Insert(t.Context(), 0, Turn{Text: "a"}, clerk)
	require.NoError(t, err)
	assert.Empty(t, only.Snapshot().Turns, "it is as it was when it was opened")
	_, err = Open(filepath.Join(dir, "none"), Options{ReadOnly: true})
	require.ErrorIs(t, err, os.ErrNotExist)
}
