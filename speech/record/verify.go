package record

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Report is what is found about a record's files.
type Report struct {
	ID       string `json:"id"`
	Entries  int64  `json:"entries"` // good ones, up to the first bad one
	Revision int64  `json:"revision"`
	Turns    int    `json:"turns"`
	Finished bool   `json:"finished"`
	// Head is the hash of the chain, 64 hexadecimal digits. It is the same only when every entry is: noted elsewhere, it is a witness of the record.
	Head string `json:"head"`
	// Witnessed is the entry whose hash is the witness; 0 when there is none, or none was given.
	Witnessed int64 `json:"witnessed,omitempty"`
	// TornBytes at the journal's end are of an entry that was not written to its end, which nobody was told to be there.
	TornBytes int64 `json:"torn_bytes,omitempty"`
	// SoundSeconds are kept and were compared with their hashes; 0 without sound.
	SoundSeconds float64 `json:"sound_seconds,omitempty"`
	// Problems are what is not as it was written, and a witness that is not there; without any, the record is whole.
	Problems []string `json:"problems,omitempty"`
}

// Whole tells whether nothing is wrong.
func (r Report) Whole() bool { return len(r.Problems) == 0 }

// Verify reads a record of the store and checks every byte of it. See [Verify].
func (s *Store) Verify(ctx context.Context, id, witness string) (Report, error) {
	if err := validateID(id); err != nil {
		return Report{}, err
	}
	return Verify(ctx, filepath.Join(s.dir, id), witness)
}

// Verify reads a record's folder and checks every byte of it against the journal's chain of hashes. A chain that was made anew from some entry on is whole in
// itself: a witness, which is a [Report.Head] of earlier, tells that; empty: none. What is wrong is in the report; an error says that the files could not be
// read. It may run while the record is written.
func Verify(ctx context.Context, folder, witness string) (Report, error) {
	if witness != "" && !hexHash.MatchString(witness) {
		return Report{}, invalid("witness %q must be 64 hexadecimal digits in lower case", witness)
	}
	path := filepath.Join(folder, journalName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Report{}, fmt.Errorf("%w: %s holds no record", ErrNotFound, folder)
	}
	if err != nil {
		return Report{}, translate(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Report{}, translate(path, err)
	}
	var report Report
	s, err := newScanner(f, info.Size(), path)
	if err != nil {
		return report, report.note(err)
	}
	sound := &soundCheck{folder: folder}
	defer sound.close()
	fold := newFold()
	err = fold.replay(s, func(e *entry) error {
		if witness != "" && hex.EncodeToString(s.head[:]) == witness {
			report.Witnessed = e.Number
		}
		if e.Session != nil {
			sound.channels = int64(e.Session.Channels)
		}
		if e.Sound != nil {
			if err := sound.check(e.Sound); err != nil {
				report.Problems = append(report.Problems, err.Error())
			}
		}
		return ctx.Err()
	})
	state := fold.state
	report.ID, report.Entries, report.Revision, report.Turns, report.Finished = state.ID, fold.entries, state.Revision, len(fold.order), state.Finished
	report.Head, report.SoundSeconds = hex.EncodeToString(s.head[:]), sound.seconds()
	switch {
	case errors.Is(err, errTorn):
		report.TornBytes = info.Size() - s.at
	case errors.Is(err, io.EOF):
	default:
		if err := report.note(err); err != nil {
			return report, err
		}
	}
	if fold.entries == 0 && report.Whole() {
		report.Problems = append(report.Problems, "the journal has no whole entry")
	}
	if witness != "" && report.Witnessed == 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("no entry has the hash %s: the record was changed since that was noted, cut short before it, or is another one", witness))
	}
	return report, nil
}

// note puts damage into the report; other errors come back.
func (r *Report) note(err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	r.Problems = append(r.Problems, err.Error())
	return nil
}

// soundCheck compares sound with its hashes.
type soundCheck struct {
	folder   string
	f        *os.File
	channels int64
	good     int64 // samples of a channel
	missing  bool
}

func (c *soundCheck) check(m *soundMark) error {
	path := filepath.Join(c.folder, soundName)
	if c.f == nil {
		f, err := os.Open(path)
		if err != nil {
			if c.missing {
				return nil // it was said once
			}
			c.missing = true
			return fmt.Errorf("%s: %w: the sound can't be read: %w", path, ErrDamaged, err)
		}
		c.f = f
	}
	frame := c.channels * sampleBytes
	hash, err := hashSound(c.f, m.From*frame, m.To*frame)
	if err == nil && hash != m.SHA256 {
		err = fmt.Errorf("%w: it is not what was heard", ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("%s: from %.3f s to %.3f s: %w", path, float64(m.From)/soundRate, float64(m.To)/soundRate, err)
	}
	c.good += m.To - m.From
	return nil
}

func (c *soundCheck) seconds() float64 { return float64(c.good) / soundRate }

func (c *soundCheck) close() {
	if c.f != nil {
		c.f.Close()
	}
}
