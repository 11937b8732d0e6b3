package record

import (
	"github.com/courtsense/courtsense/speech/role"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var clerk = Edit{Author: "李书记员"}

// wallClock is a clock that is set by tests.
type wallClock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *wallClock { return &wallClock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *wallClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *wallClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openStore(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet()
	}
	s, err := Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

var hearing = Case{
	Number: "（2026）京0491民初1234号", Court: "北京互联网法院", Cause: "买卖合同纠纷", Date: "2026-03-02",
	Parties: []Party{{Role: role.Plaintiff, Name: "张三"}, {Role: role.Defendant, Name: "北京某某有限公司"}},
	Agenda:  []AgendaItem{{Title: "宣布开庭"}, {Title: "法庭调查"}, {Title: "法庭辩论"}},
}

func create(t testing.TB, s *Store, id string) *Record {
	t.Helper()
	r, err := s.Create(t.Context(), id, hearing, clerk)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func get(t testing.TB, s *Store, id string) *Record {
	t.Helper()
	r, err := s.Get(t.Context(), id)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func feed(t testing.TB, r *Record, channels int) *Feed {
	t.Helper()
	f, err := r.Feed(t.Context(), FeedOptions{Channels: channels})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// said is a turn of half a second a character.
func said(channel int, start float64, text string) Turn {
	t := Turn{Channel: channel, Start: start, Text: text, Confidence: .9}
	for i, r := range []rune(text) {
		if sounds(r) {
			at := start + float64(i)/2
			t.Words = append(t.Words, Word{Text: string(r), Start: at, End: at + .5, Confidence: .9})
		}
	}
	t.End = start + float64(len([]rune(text)))/2
	return t
}

func hear(t testing.TB, f *Feed, turns ...Turn) []Turn {
	t.Helper()
	settled := 0.
	for _, turn := range turns {
		settled = max(settled, turn.End)
	}
	got, err := f.Append(t.Context(), settled, turns...)
	require.NoError(t, err)
	return got
}

func texts(s State) []string {
	var all []string
	for _, t := range s.Turns {
		all = append(all, t.Text)
	}
	return all
}

// reread is a record as its journal says.
func reread(t testing.TB, dir, id string) State {
	t.Helper()
	s, err := Open(dir, Options{ReadOnly: true, Logger: quiet()})
	require.NoError(t, err)
	defer s.Close()
	r, err := s.Get(t.Context(), id)
	require.NoError(t, err)
	defer r.Close()
	return r.Snapshot()
}

func TestAHearing(t *testing.T) {
	dir, c := filepath.Join(t.TempDir(), "records"), newClock()
	s := openStore(t, dir, Options{Clock: c.now})
	r := create(t, s, "h1")
	f := feed(t, r, 2)
	require.Zero(t, f.Resume())

	c.pass(time.Minute)
	turns := hear(t, f, said(0, 1, "现在开庭。"), said(1, 2, "到庭。"))
	require.Len(t, turns, 2)
	assert.Equal(t, []int64{1, 2}, []int64{turns[0].ID, turns[1].ID})
	assert.Equal(t, int64(2), turns[1].Revision(), "one revision for what is final at once")
	hear(t, f, said(0, 10, "请原告陈述。"))
	// A channel's final result may come after one of another channel that began later.
	hear(t, f, said(1, 6, "好的。"))
	assert.Equal(t, []string{"现在开庭。", "到庭。", "好的。", "请原告陈述。"}, texts(r.Snapshot()))

	seen := r.Snapshot()
	text, judge := "现在正式开庭。", role.Judge
	got, err := r.Correct(t.Context(), 1, Correction{Base: turns[0].Revision(), Text: &text, Role: &judge, Edit: Edit{Author: "王法官", Reason: "漏字"}})
	require.NoError(t, err)
	assert.Equal(t, text, got.Text)
	require.Len(t, got.Revisions, 2)
	assert.Equal(t, "现在开庭。", *got.Revisions[0].Text, "what was there is not lost")
	assert.Equal(t, "王法官", got.Revisions[1].Author)
	assert.Equal(t, "现在开庭。", seen.Turns[0].Text, "a state that was given out does not change")
	require.Len(t, seen.Turns[0].Revisions, 1)

	in, err := r.Insert(t.Context(), 1, Turn{Text: "（敲法槌）", Role: role.Judge}, clerk)
	require.NoError(t, err)
	assert.True(t, in.Inserted)
	assert.Equal(t, turns[0].End, in.Start)
	first, err := r.Insert(t.Context(), 0, Turn{Text: "书记员宣读法庭纪律。", Role: role.Clerk}, clerk)
	require.NoError(t, err)
	assert.Equal(t, []string{"书记员宣读法庭纪律。", text, "（敲法槌）", "到庭。", "好的。", "请原告陈述。"}, texts(r.Snapshot()))

	w, err := r.Withdraw(t.Context(), first.ID, first.Revision(), clerk)
	require.NoError(t, err)
	assert.True(t, w.Withdrawn)
	_, err = r.Correct(t.Context(), first.ID, Correction{Base: w.Revision(), Text: &text, Edit: clerk})
	require.ErrorIs(t, err, ErrInvalid)
	_, err = r.Withdraw(t.Context(), first.ID, w.Revision(), clerk)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = r.Restore(t.Context(), first.ID, w.Revision(), clerk)
	require.NoError(t, err)

	now := r.Snapshot()
	assert.Equal(t, now, reread(t, dir, "h1"), "the journal says the same")
	for i, rev := range now.Revisions {
		assert.Equal(t, int64(i+1), rev.Number)
	}
	report, err := s.Verify(t.Context(), "h1", seen.Head)
	require.NoError(t, err)
	assert.True(t, report.Whole(), report)
	assert.Equal(t, now.Head, report.Head)
	assert.NotZero(t, report.Witnessed)
	assert.Less(t, report.Witnessed, report.Entries)
}
