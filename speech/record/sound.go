package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
)

const (
	sampleBytes = 2
	// maxUnmarked is how much sound may be unsafe when nobody speaks: 30 s.
	maxUnmarked = 30 * soundRate
	// maxGap bounds the silence that stands for sound that is missing: an hour.
	maxGap = 3600 * soundRate
	// maxExcerpt bounds what Sound gives at once: 10 min.
	maxExcerpt = 600 * soundRate
)

// sound is the file that a hearing's sound is kept in. Until an entry of the journal says that sound is on the disk, with its hash, it may be written
// again; afterwards it stays as it is.
type sound struct {
	mu       sync.Mutex
	f        file // nil: not kept
	path     string
	feed     *Feed // that may write
	channels int
	written  int64 // samples of a channel that are in the file
	fixed    int64 // of which so many are marked, or being marked
}

// openSound prepares for keeping sound behind what is marked; the write lock is held.
func (l *live) openSound(channels int) error {
	s := &l.sound
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil {
		return nil
	}
	path := filepath.Join(l.folder, soundName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, journalRights)
	if err != nil {
		return translate(path, err)
	}
	info, err := f.Stat()
	if err == nil {
		err = syncFolder(l.folder) // a file that was made just now must be found after a power cut
	}
	if err != nil {
		return errors.Join(translate(path, err), f.Close())
	}
	s.f, s.path, s.channels, s.fixed = l.o.wrap(f), path, channels, l.fold.soundTo
	there := info.Size() / s.frame()
	if there < s.fixed {
		l.o.Logger.Error("record: its sound was cut short; verify it", "record", l.id, "missing_seconds", float64(s.fixed-there)/soundRate)
	}
	s.written = max(there, s.fixed, samples(l.fold.state.Settled))
	return nil
}

func (s *sound) frame() int64 { return int64(s.channels) * sampleBytes }

// write puts sound where it belongs. What is marked already is left out, and what is missing before it is silence. unmarked is how much is not
// marked then.
func (s *sound) write(fd *Feed, at int64, pcm []byte) (unmarked int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.f == nil, s.feed == nil:
		return 0, fmt.Errorf("sound: %w", ErrClosed)
	case s.feed != fd:
		return 0, fmt.Errorf("sound: %w by a later stream", ErrTakenOver)
	case at > s.written+maxGap:
		return 0, invalid("sound at %d s: only %d s were heard, and no more than %d s may be missing", at/soundRate, s.written/soundRate, maxGap/soundRate)
	}
	if at < s.fixed {
		skip := min((s.fixed-at)*s.frame(), int64(len(pcm)))
		pcm, at = pcm[skip:], at+skip/s.frame()
	}
	if len(pcm) > 0 {
		if _, err := s.f.WriteAt(pcm, at*s.frame()); err != nil {
			return 0, translate(s.path, err)
		}
		s.written = max(s.written, at+int64(len(pcm))/s.frame())
	}
	return s.written - s.fixed, nil
}

// mark brings the sound to the disk and says which it is; nil when there is nothing new. Until keep is called with whether the journal took it, nothing
// of it is written again.
func (s *sound) mark() (m *soundMark, keep func(bool), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := s.fixed, s.written
	if s.f == nil || from == to {
		return nil, func(bool) {}, nil
	}
	hash, err := hashSound(s.f, from*s.frame(), to*s.frame())
	if err == nil {
		err = s.f.Sync()
	}
	if err != nil {
		return nil, nil, translate(s.path, err)
	}
	s.fixed = to
	return &soundMark{From: from, To: to, SHA256: hash}, func(taken bool) {
		if !taken {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fixed = from
		}
	}, nil
}

// hashSound is the SHA-256 of a part of the file.
func hashSound(r io.ReaderAt, from, to int64) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(r, from, to-from))
	if err != nil {
		return "", err
	}
	if n < to-from {
		return "", fmt.Errorf("%w: %d bytes of sound, %d were written", ErrDamaged, from+n, to)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (s *sound) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return f.Close()
}

// Sound is a piece of a hearing's sound: 16-bit little-endian PCM at 16 kHz.
type Sound struct {
	PCM      []byte // channels interleaved
	Channels int
	Start    float64 // in the record, seconds
}

// Sound reads what was heard from one time to another, seconds, at most 10 min; what is not kept is left out at the end.
func (r *Record) Sound(_ context.Context, from, to float64) (Sound, error) {
	if err := errors.Join(validateSeconds("sound: from", from), validateSeconds("sound: to", to)); err != nil {
		return Sound{}, err
	}
	first, last := samples(from), samples(to)
	if last < first || last-first > maxExcerpt {
		return Sound{}, invalid("sound from %v s to %v s: at most %d s are read at once", from, to, maxExcerpt/soundRate)
	}
	state := r.Snapshot()
	if state.Sound.Channels == 0 {
		return Sound{}, fmt.Errorf("record %s: %w: no sound was heard", state.ID, ErrNotFound)
	}
	path := filepath.Join(r.live.folder, soundName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Sound{}, fmt.Errorf("record %s: %w: its sound was not kept", state.ID, ErrNotFound)
	}
	if err != nil {
		return Sound{}, translate(path, err)
	}
	defer f.Close()
	frame := int64(state.Sound.Channels) * sampleBytes
	pcm, err := io.ReadAll(io.NewSectionReader(f, first*frame, (last-first)*frame))
	if err != nil {
		return Sound{}, translate(path, err)
	}
	return Sound{PCM: pcm[:int64(len(pcm))/frame*frame], Channels: state.Sound.Channels, Start: float64(first) / soundRate}, nil
}

func samples(seconds float64) int64 { return int64(math.Round(seconds * soundRate)) }
