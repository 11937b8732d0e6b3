package record

import (
	"bytes"
	"errors"
	"github.com/courtsense/courtsense/speech/role"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sampleJournal is the journal of a small hearing with every kind of entry.
func sampleJournal(t testing.TB) []byte {
	dir := t.TempDir()
	s := openStore(t, dir, Options{KeepAudio: true, Clock: newClock().now})
	r := create(t, s, "h")
	f := feed(t, r, 1)
	require.NoError(t, f.Sound(t.Context(), 0, make([]byte, 2*soundRate)))
	quoted := said(0, 1, "根据第五百七十七条。")
	quoted.Quotations = []Quotation{{Start: 2, End: 9, Law: "中华人民共和国民法典", Article: "第五百七十七条"}}
	got := hear(t, f, quoted)
	text := "依据第五百七十七条。"
	c, err := r.Correct(t.Context(), 1, Correction{Base: got[0].Revision(), Text: &text, Edit: clerk})
	require.NoError(t, err)
	require.Len(t, c.Quotations, 1, "the provision still stands there")
	w, err := r.Withdraw(t.Context(), 1, c.Revision(), clerk)
	require.NoError(t, err)
	_, err = r.Restore(t.Context(), 1, w.Revision(), clerk)
	require.NoError(t, err)
	_, err = r.Insert(t.Context(), 1, Turn{Text: "是。"}, clerk)
	require.NoError(t, err)
	_, err = r.AssignRole(t.Context(), Seat{Channel: 0, Role: role.Judge}, clerk)
	require.NoError(t, err)
	_, err = r.SetAgenda(t.Context(), 1, 0, clerk)
	require.NoError(t, err)
	_, err = r.SetCase(t.Context(), hearing, 1, clerk)
	require.NoError(t, err)
	_, err = f.Append(t.Context(), 9)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = r.Finish(t.Context(), clerk)
	require.NoError(t, err)
	require.NoError(t, r.NoteExport(t.Context(), Export{Revision: 3, Format: "docx", SHA256: strings.Repeat("0", 64)}))
	_, err = r.Reopen(t.Context(), Edit{Author: "a", Reason: "漏记"})
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "h", journalName))
	require.NoError(t, err)
	return b
}

// read folds a journal's bytes.
func read(b []byte) (*fold, *scanner, error) {
	f := newFold()
	s, err := newScanner(bytes.NewReader(b), int64(len(b)), "journal")
	if err != nil {
		return f, s, err
	}
	return f, s, f.replay(s, nil)
}

func writeRecord(t require.TestingT, dir string, journal []byte) {
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "h")))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "h"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "h", journalName), journal, 0o600))
}

// TestAnyPrefixOpens cuts a journal everywhere, as a crash may: what was written to its end is there, the record opens, and goes on.
func TestAnyPrefixOpens(t *testing.T) {
	journal := sampleJournal(t)
	whole, _, err := read(journal)
	require.ErrorIs(t, err, io.EOF)
	s, err := newScanner(bytes.NewReader(journal), int64(len(journal)), "")
	require.NoError(t, err)
	_, err = s.next()
	require.NoError(t, err)
	first := int(s.at)
	for cut := 0; cut < len(journal); cut += 1 + cut%7 {
		f, s, err := read(journal[:cut])
		if s == nil {
			require.ErrorIs(t, err, ErrDamaged)
			require.Less(t, cut, len(journalHeader))
			continue
		}
		require.True(t, errors.Is(err, errTorn) || errors.Is(err, io.EOF) && int(s.at) == cut, "cut at %d: %v", cut, err)
		if len(f.changes) > 0 {
			require.Equal(t, whole.changes[:len(f.changes)], f.changes, "cut at %d", cut)
		}
	}

	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		cut := rapid.IntRange(first, len(journal)).Draw(rt, "cut")
		// A power cut may leave the file longer than what was written of it.
		zeros := rapid.SampledFrom([]int{0, 0, 4, 40, 5000}).Draw(rt, "zeros")
		writeRecord(rt, dir, append(slices.Clone(journal[:cut]), make([]byte, zeros)...))
		want, _, _ := read(journal[:cut])
		s, err := Open(dir, Options{Logger: quiet(), wrap: unsynced})
		require.NoError(rt, err)
		defer s.Close()
		r, err := s.Get(t.Context(), "h")
		require.NoError(rt, err, "cut at %d", cut)
		defer r.Close()
		require.Equal(rt, *want.snapshot(), r.Snapshot())
		if want.state.Finished {
			_, err = r.Reopen(t.Context(), Edit{Author: "a", Reason: "b"})
		} else {
			_, err = r.Insert(t.Context(), 0, Turn{Text: "继续。"}, clerk)
		}
		require.NoError(rt, err)
		report, err := s.Verify(t.Context(), "h", want.state.Head)
		require.NoError(rt, err)
		require.Equal(rt, want.entries+1, report.Entries)
		require.Equal(rt, want.entries, report.Witnessed)
		for _, p := range report.Problems {
			require.Contains(rt, p, soundName, "there is no sound in this folder")
		}
	})
}

// TestAnyChangeIsFound changes one byte of a journal, or leaves an entry out.
func TestAnyChangeIsFound(t *testing.T) {
	journal := sampleJournal(t)
	for at := range journal {
		changed := slices.Clone(journal)
		changed[at] ^= 1 << (at % 8)
		_, _, err := read(changed)
		var damage *DamageError
		require.ErrorAs(t, err, &damage, "byte %d", at)
		require.LessOrEqual(t, damage.Offset, int64(at), "byte %d", at)
		// It is not taken for a crash, which would cut off what is behind it.
		require.NotErrorIs(t, err, errTorn)
	}
	// Without an entry in the middle, or with two exchanged, the chain breaks.
	ends := []int{len(journalHeader)}
	for s, err := newScanner(bytes.NewReader(journal), int64(len(journal)), ""); err == nil; _, err = s.next() {
		if int(s.at) > ends[len(ends)-1] {
			ends = append(ends, int(s.at))
		}
	}
	for i := 1; i+2 < len(ends); i++ {
		a, b, c := journal[:ends[i]], journal[ends[i]:ends[i+1]], journal[ends[i+1]:ends[i+2]]
		_, s, err := read(slices.Concat(a, c, journal[ends[i+2]:]))
		require.ErrorIs(t, err, ErrDamaged)
		require.Equal(t, int64(i), s.n)
		_, _, err = read(slices.Concat(a, c, b, journal[ends[i+2]:]))
		require.ErrorIs(t, err, ErrDamaged)
	}
}

// TestDamageIsRefused opens and lists a record whose middle was changed.
func TestDamageIsRefused(t *testing.T) {
	journal := sampleJournal(t)
	dir := t.TempDir()
	changed := bytes.Replace(journal, []byte("依据"), []byte("根据"), 1)
	require.NotEqual(t, journal, changed)
	writeRecord(t, dir, changed)
	s := openStore(t, dir, Options{})
	_, err := s.Get(t.Context(), "h")
	var damage *DamageError
	require.ErrorAs(t, err, &damage)
	assert.Equal(t, int64(4), damage.Entry)
	assert.ErrorContains(t, err, "entry 4")
	b, err := os.ReadFile(filepath.Join(dir, "h", journalName))
	require.NoError(t, err)
	assert.Equal(t, changed, b, "nothing was changed or cut off")
	report, err := s.Verify(t.Context(), "h", "")
	require.NoError(t, err)
	assert.False(t, report.Whole())
	assert.Equal(t, int64(3), report.Entries)
	page, _, err := s.List(t.Context(), Filter{}, 0, "")
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Contains(t, page[0].Problem, "entry 4")

	// A record that was copied into a folder of another name is not the one that is asked for.
	require.NoError(t, os.Rename(filepath.Join(dir, "h"), filepath.Join(dir, "g")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "g", journalName), journal, 0o600))
	_, err = s.Get(t.Context(), "g")
	require.ErrorIs(t, err, ErrDamaged)
}

// FuzzJournal reads journals that nobody wrote. framed takes the lines of data for payloads, so that what is behind the hashes is reached.
func FuzzJournal(f *testing.F) {
	journal := sampleJournal(f)
	f.Add(journal, false)
	f.Add(journal[:len(journal)-7], false)
	f.Add(append(slices.Clone(journal[:200]), make([]byte, 50)...), false)
	_, _, err := read(journal)
	require.ErrorIs(f, err, io.EOF)
	var lines [][]byte
	s, err := newScanner(bytes.NewReader(journal), int64(len(journal)), "")
	require.NoError(f, err)
	for payload, err := s.next(); err == nil; payload, err = s.next() {
		lines = append(lines, payload)
	}
	f.Add(bytes.Join(lines, []byte("\n")), true)
	f.Fuzz(func(t *testing.T, data []byte, framed bool) {
		if framed {
			journal, head := []byte(journalHeader), chainStart()
			for line := range bytes.SplitSeq(data, []byte("\n")) {
				var b []byte
				b, head = frame(head, line)
				journal = append(journal, b...)
			}
			data = journal
		}
		fold, s, err := read(data)
		require.Error(t, err)
		if s == nil {
			return
		}
		again, _, err := read(data[:s.at])
		require.ErrorIs(t, err, io.EOF)
		state := fold.snapshot()
		require.Equal(t, *state, *again.snapshot())
		require.Len(t, fold.changes, int(fold.state.Revision))
		for _, turn := range state.Turns {
			state.Locate(turn.Start)
			if n := len([]rune(turn.Text)); n > 0 {
				_, _, err := state.Span(turn.ID, n-1, n)
				require.NoError(t, err)
			}
		}
		_, err = state.Search(Query{Text: "a", Spoken: true}, 0, 0)
		require.NoError(t, err)
		state.Summary()
	})
}
