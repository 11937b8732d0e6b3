package record

import (
	"context"
	"fmt"
	"github.com/courtsense/courtsense/speech/role"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTwoClerksCorrectOneTurn wants the second one, who saw an older turn, to be shown the present one.
func TestTwoClerksCorrectOneTurn(t *testing.T) {
	r := create(t, openStore(t, t.TempDir(), Options{}), "h")
	turn := hear(t, feed(t, r, 1), said(0, 0, "原告请求返还货款。"))[0]
	first, second := "原告请求返还货款三万元。", "原告请求返回货款。"
	_, err := r.Correct(t.Context(), 1, Correction{Base: turn.Revision(), Text: &first, Edit: Edit{Author: "甲"}})
	require.NoError(t, err)
	_, err = r.Correct(t.Context(), 1, Correction{Base: turn.Revision(), Text: &second, Edit: Edit{Author: "乙"}})
	var conflict *ConflictError
	require.ErrorAs(t, err, &conflict)
	require.ErrorIs(t, err, ErrConflict)
	assert.Equal(t, first, conflict.Turn.Text)
	assert.Equal(t, "甲", conflict.Turn.Revisions[1].Author)
	got, err := r.Correct(t.Context(), 1, Correction{Base: conflict.Present, Text: &second, Edit: Edit{Author: "乙"}})
	require.NoError(t, err)
	assert.Equal(t, second, got.Text)
	assert.Len(t, got.Revisions, 3)

	// At the same time: one of them gets through.
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			text := fmt.Sprint("第", i)
			_, errs[i] = r.Correct(t.Context(), 1, Correction{Base: got.Revision(), Text: &text, Edit: Edit{Author: text}})
		})
	}
	wg.Wait()
	through := 0
	for _, err := range errs {
		if err == nil {
			through++
		} else {
			require.ErrorIs(t, err, ErrConflict)
		}
	}
	assert.Equal(t, 1, through)
	state := r.Snapshot()
	assert.Len(t, state.Turns[0].Revisions, 4)

	// The case has a revision of its own.
	_, err = r.SetCase(t.Context(), hearing, state.CaseRevision, clerk)
	require.NoError(t, err)
	_, err = r.SetCase(t.Context(), hearing, state.CaseRevision, clerk)
	require.ErrorIs(t, err, ErrConflict)
}

func TestWhatCannotBeCorrected(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	r := create(t, s, "h")
	turn := hear(t, feed(t, r, 1), said(0, 0, "好。"))[0]
	text, long, bad, item := "是。", strings.Repeat("长", maxText+1), "\xff", 9
	king := Role("king")
	ctx := t.Context()
	state := r.Snapshot()
	for want, err := range map[string]error{
		"turn 7: not found; there are turns 1 to 1":     second(r.Correct(ctx, 7, Correction{Base: 1, Text: &text, Edit: clerk})),
		"turn 0: not found":                             second(r.Withdraw(ctx, 0, 1, clerk)),
		"turn 9, to insert behind: not found":           second(r.Insert(ctx, 9, Turn{Text: text}, clerk)),
		"name the revision of it":                       second(r.Correct(ctx, 1, Correction{Text: &text, Edit: clerk})),
		"sets nothing":                                  second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), Edit: clerk})),
		"say who changes the record":                    second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), Text: &text})),
		"has 100001 characters, at most 100000":         second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), Text: &long, Edit: clerk})),
		"is not UTF-8":                                  second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), Text: &bad, Edit: clerk})),
		"there is no role \"king\"":                     second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), Role: &king, Edit: clerk})),
		"agenda item 9: the agenda has 3 points":        second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), AgendaItem: &item, Edit: clerk})),
		"quotation 1: characters 1 to 5 of a text of 2": second(r.Correct(ctx, 1, Correction{Base: turn.Revision(), Quotations: []Quotation{{Start: 1, End: 5}}, Edit: clerk})),
		"its text is empty":                             second(r.Insert(ctx, 1, Turn{}, clerk)),
		"it ends at 1 s, before it begins at 2 s":       second(r.Insert(ctx, 1, Turn{Text: text, Start: 2, End: 1}, clerk)),
		"channel 8 is not within 0 and 7":               second(r.AssignRole(ctx, Seat{Channel: 8, Role: role.Judge}, clerk)),
		"a speaker or a channel, not both":              second(r.AssignRole(ctx, Seat{Speaker: "S1", Role: role.Judge}, clerk)),
		"agenda item 4: the agenda has 3 points":        second(r.SetAgenda(ctx, 4, 0, clerk)),
		"-1 s is not within 0":                          second(r.SetAgenda(ctx, 1, -1, clerk)),
		"is not finished":                               second(r.Reopen(ctx, clerk)),
		"there is no kind \"feast\"":                    second(r.SetCase(ctx, Case{Kind: "feast"}, 1, clerk)),
		"must be a day as YYYY-MM-DD":                   second(r.SetCase(ctx, Case{Date: "2026-02-30"}, 1, clerk)),
		"record id \"../x\" must be":                    second(s.Get(ctx, "../x")),
		"record id \".x\" must be":                      second(s.Create(ctx, ".x", Case{}, clerk)),
		"record none: not found":                        second(s.Get(ctx, "none")),
		"record h: exists already":                      second(s.Create(ctx, "h", Case{}, clerk)),
		"revision 99, the record has":                   r.NoteExport(ctx, Export{Revision: 99, SHA256: strings.Repeat("0", 64)}),
		"must be 64 hexadecimal digits":                 r.NoteExport(ctx, Export{Revision: 1}),
		"witness \"x\" must be":                         second(s.Verify(ctx, "h", "x")),
		"there is no revision 99 to go on from":         second(r.Subscribe(ctx, 99)),
		"has no letters or figures to search for":       second(state.Search(Query{Text: "？"}, 0, 0)),
		"page size 1001":                                third(s.List(ctx, Filter{}, 1001, "")),
		"page token \"/\"":                              third(s.List(ctx, Filter{}, 0, "/")),
		"turn 1: characters 0 to 3, its text has 2":     third(state.Span(1, 0, 3)),
		"at most 600 s are read at once":                second(r.Sound(ctx, 0, 601)),
		"its sound was not kept":                        second(r.Sound(ctx, 0, 1)),
		"9 channels, 1 to 8 can be heard":               second(r.Feed(ctx, FeedOptions{Channels: 9})),
	} {
		assert.ErrorContains(t, err, want)
	}
	after := r.Snapshot()
	assert.Equal(t, state, after, "nothing of it left anything")
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, err := r.Correct(ctx, 1, Correction{Base: turn.Revision(), Text: &text, Edit: clerk})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, after, r.Snapshot())
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// TestReopenedAfterExport wants a finished record to stay as it is, and one that is reopened to say what was exported and what came after.
func TestReopenedAfterExport(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	r := create(t, s, "h")
	f := feed(t, r, 1)
	turn := hear(t, f, said(0, 0, "闭庭。"))[0]
	_, err := r.Finish(t.Context(), clerk)
	require.ErrorIs(t, err, ErrBusy, "the last words may still come")
	require.NoError(t, f.Close())
	_, err = r.Finish(t.Context(), clerk)
	require.NoError(t, err)
	printed := r.Snapshot()
	require.True(t, printed.Finished)
	require.NoError(t, r.NoteExport(t.Context(), Export{Revision: printed.Revision, Format: "docx", SHA256: strings.Repeat("a", 64), Author: "甲"}))
	assert.Equal(t, printed.Revision, r.Snapshot().Revision, "a document changes nothing")

	text := "现在闭庭。"
	c := Correction{Base: turn.Revision(), Text: &text, Edit: clerk}
	_, err = r.Correct(t.Context(), 1, c)
	require.ErrorIs(t, err, ErrFinished)
	_, err = r.Feed(t.Context(), FeedOptions{Channels: 1})
	require.ErrorIs(t, err, ErrFinished)
	_, err = r.Finish(t.Context(), clerk)
	require.ErrorIs(t, err, ErrFinished)
	_, err = r.Reopen(t.Context(), clerk)
	require.ErrorContains(t, err, "say why")
	require.NoError(t, r.Close())
	require.NoError(t, s.Close())

	r = get(t, openStore(t, dir, Options{}), "h")
	_, err = r.Reopen(t.Context(), Edit{Author: "甲", Reason: "漏记一句"})
	require.NoError(t, err)
	_, err = r.Correct(t.Context(), 1, c)
	require.NoError(t, err)
	state := r.Snapshot()
	assert.False(t, state.Finished)
	require.Len(t, state.Exports, 1)
	assert.Equal(t, printed.Revision, state.Exports[0].Revision)
	assert.NotZero(t, state.Exports[0].At)
	var acts []Act
	for _, c := range r.Changes(printed.Revision) {
		acts = append(acts, c.Revision.Act)
	}
	assert.Equal(t, []Act{Reopened, Corrected}, acts, "what came after the document")
	f = feed(t, r, 1)
	assert.Equal(t, printed.Settled, f.Resume())
}

// TestClockThatJumps sets the clock back and forth. Revisions say what came before what, and entries how far the clock was set.
func TestClockThatJumps(t *testing.T) {
	dir, wall, process := t.TempDir(), newClock(), time.Minute
	o := Options{Clock: wall.now, elapsed: func() time.Duration { return process }, Logger: quiet()}
	s := openStore(t, dir, o)
	r := create(t, s, "h")
	step := func(passes, set time.Duration) time.Duration {
		process += passes
		wall.pass(passes + set)
		got, err := r.Insert(t.Context(), 0, Turn{Text: "句。"}, clerk)
		require.NoError(t, err)
		rev := got.Revisions[0]
		require.Equal(t, wall.now(), rev.At, "times are written as they are")
		require.Equal(t, wall.now(), got.At)
		return rev.ClockStep
	}
	assert.Zero(t, step(time.Second, 0))
	assert.Zero(t, step(time.Second, 20*time.Millisecond), "a time server's correction")
	assert.Equal(t, -time.Hour, step(time.Second, -time.Hour))
	assert.Zero(t, step(time.Second, 0))
	assert.Equal(t, 8*time.Hour, step(time.Second, 8*time.Hour))
	assert.Equal(t, 10*365*24*time.Hour, step(0, 10*365*24*time.Hour))
	assert.Equal(t, -20*time.Millisecond, step(0, -20*time.Millisecond), "backward, however little")
	require.NoError(t, s.Close())

	// Another process has another monotonic clock: steps back are known by the entries' times alone.
	process = time.Second
	wall.pass(-time.Minute)
	r = get(t, openStore(t, dir, o), "h")
	assert.Equal(t, -time.Minute, step(0, 0))
	state := r.Snapshot()
	for i, rev := range state.Revisions {
		assert.Equal(t, int64(i+1), rev.Number)
	}
	assert.Equal(t, state, reread(t, dir, "h"))
}

func TestRoles(t *testing.T) {
	dir := t.TempDir()
	r := create(t, openStore(t, dir, Options{}), "h")
	f := feed(t, r, 2)
	turn := func(channel int, speaker string, role Role, text string, at float64) Turn {
		t := said(channel, at, text)
		t.Speaker, t.Role = speaker, role
		return t
	}
	hear(t, f, turn(0, "S1", role.Unknown, "一", 0), turn(0, "S2", "", "二", 1), turn(1, "", role.Witness, "三", 2), turn(0, "S1", "", "四", 3))
	roles := func() (all []Role) {
		for _, turn := range r.Snapshot().Turns {
			all = append(all, turn.Role)
		}
		return all
	}
	byHand := role.Clerk
	_, err := r.Correct(t.Context(), 4, Correction{Base: 2, Role: &byHand, Edit: clerk})
	require.NoError(t, err)
	_, err = r.Insert(t.Context(), 4, Turn{Speaker: "S1", Text: "插"}, clerk)
	require.NoError(t, err)
	_, err = r.Insert(t.Context(), 4, Turn{Speaker: "S1", Role: role.Expert, Text: "入"}, clerk)
	require.NoError(t, err)
	c, err := r.AssignRole(t.Context(), Seat{Speaker: "S1", Channel: -1, Role: role.Judge}, clerk)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 5}, c.Revision.Turns, "what was set by hand stays")
	assert.Equal(t, []Role{role.Judge, "", role.Witness, role.Clerk, role.Expert, role.Judge}, roles())
	c, err = r.AssignRole(t.Context(), Seat{Channel: 0, Role: role.Plaintiff}, clerk)
	require.NoError(t, err)
	assert.Equal(t, []int64{2}, c.Revision.Turns, "a speaker's role comes before their channel's")
	got := hear(t, f, turn(0, "S1", role.Expert, "五", 5), turn(0, "S3", role.Expert, "六", 6), turn(1, "S9", role.Expert, "七", 7))
	assert.Equal(t, []Role{role.Judge, role.Plaintiff, role.Expert}, []Role{got[0].Role, got[1].Role, got[2].Role})
	_, err = r.AssignRole(t.Context(), Seat{Speaker: "S1", Channel: -1, Role: role.Unknown}, clerk)
	require.NoError(t, err)
	got = hear(t, f, turn(0, "S1", role.Expert, "八", 8))
	assert.Equal(t, role.Plaintiff, got[0].Role)
	// A recogniser that comes to know a role later changes no clerk's.
	c, err = f.TellRole(t.Context(), 0, "S1", role.Prosecutor)
	require.NoError(t, err)
	assert.Empty(t, c.Turns)
	c, err = f.TellRole(t.Context(), 1, "S9", role.Interpreter)
	require.NoError(t, err)
	assert.Equal(t, []int64{9}, c.Revision.Turns)
	assert.Empty(t, c.Revision.Author)
	assert.Equal(t, role.Interpreter, c.Turns[0].Role)
	state := r.Snapshot()
	assert.Equal(t, []Seat{{Speaker: "S1", Channel: -1, Role: role.Unknown}, {Channel: 0, Role: role.Plaintiff}}, state.Roles)
	assert.Equal(t, state, reread(t, dir, "h"))
}

func TestAgenda(t *testing.T) {
	dir := t.TempDir()
	r := create(t, openStore(t, dir, Options{}), "h")
	f := feed(t, r, 1)
	items := func() (all []int) {
		for _, turn := range r.Snapshot().Turns {
			all = append(all, turn.AgendaItem)
		}
		return all
	}
	_, err := r.SetAgenda(t.Context(), 1, 0, clerk)
	require.NoError(t, err)
	hear(t, f, said(0, 1, "一"), said(0, 5, "二"), said(0, 9, "三"))
	assert.Equal(t, []int{1, 1, 1}, items())
	// The clerk comes to it when the turn is over.
	c, err := r.SetAgenda(t.Context(), 3, 8, clerk)
	require.NoError(t, err)
	assert.Equal(t, []int64{3}, c.Revision.Turns)
	three := 3
	_, err = r.Correct(t.Context(), 1, Correction{Base: 3, AgendaItem: &three, Edit: clerk})
	require.NoError(t, err)
	_, err = r.SetAgenda(t.Context(), 2, 0.5, clerk)
	require.NoError(t, err)
	assert.Equal(t, []int{3, 2, 3}, items(), "up to the next mark, but for what was set by hand")
	hear(t, f, said(0, 12, "四"))
	assert.Equal(t, []int{3, 2, 3, 3}, items())
	short := hearing
	short.Agenda = short.Agenda[:2]
	_, err = r.SetCase(t.Context(), short, 1, clerk)
	require.ErrorContains(t, err, "belongs to point 3")
	assert.Equal(t, r.Snapshot(), reread(t, dir, "h"))
}

// TestSubscribe wants every change once and in order, whoever reads slowly, and that nothing runs on afterwards.
func TestSubscribe(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	r := create(t, s, "h")
	f := feed(t, r, 1)
	for i := range 3 {
		hear(t, f, said(0, float64(i), "早"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow, err := r.Subscribe(ctx, 0)
	require.NoError(t, err)
	late, err := r.Subscribe(t.Context(), 2)
	require.NoError(t, err)
	watcher := get(t, s, "h")
	other, err := watcher.Subscribe(t.Context(), 4)
	require.NoError(t, err)
	for i := range 20 {
		hear(t, f, said(0, float64(10+i), "晚"))
	}
	for n := int64(3); n <= 24; n++ {
		assert.Equal(t, n, (<-late).Revision.Number)
	}
	for n := int64(1); n <= 10; n++ {
		c := <-slow
		assert.Equal(t, n, c.Revision.Number)
		if n > 1 {
			assert.Len(t, c.Turns, 1)
		}
	}
	cancel()
	ended := func(ch <-chan Change) bool {
		for range ch {
		}
		return true
	}
	assert.True(t, ended(slow))
	require.NoError(t, watcher.Close())
	assert.True(t, ended(other))
	require.NoError(t, s.Close())
	assert.True(t, ended(late))
	_, err = r.Insert(t.Context(), 0, Turn{Text: "a"}, clerk)
	require.ErrorIs(t, err, ErrClosed)
	_, err = f.Append(t.Context(), 1)
	require.ErrorIs(t, err, ErrClosed)
	assert.Len(t, r.Snapshot().Turns, 23, "it can still be read")
}

// TestRecordsInUse opens more records than stay open when they are idle.
func TestRecordsInUse(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{IdleRecords: 2})
	for i := range 5 {
		r, err := s.Create(t.Context(), fmt.Sprint("r", i), Case{}, clerk)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		_, err = r.Insert(t.Context(), 0, Turn{Text: "a"}, clerk)
		require.ErrorIs(t, err, ErrClosed)
	}
	other := openStore(t, dir, Options{})
	for i := range 5 {
		r, err := other.Get(t.Context(), fmt.Sprint("r", i))
		if i < 3 {
			require.NoError(t, err)
			require.NoError(t, r.Close())
		} else {
			require.ErrorIs(t, err, ErrLocked)
		}
	}
	// A stream keeps its record open.
	a := get(t, s, "r4")
	f := feed(t, a, 1)
	require.NoError(t, a.Close())
	for i := 3; i < 5; i++ {
		r := get(t, s, fmt.Sprint("r", i))
		require.NoError(t, r.Close())
	}
	hear(t, f, said(0, 0, "好"))
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())

	// Many at once open it once.
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r, err := s.Get(context.Background(), "r4")
			if assert.NoError(t, err) {
				_, err = r.Insert(context.Background(), 0, Turn{Text: "b"}, clerk)
				assert.NoError(t, err)
				assert.NoError(t, r.Close())
			}
		})
	}
	wg.Wait()
	assert.Len(t, get(t, s, "r4").Snapshot().Turns, 17)
	require.NoError(t, s.Close())
	_, err := s.Get(t.Context(), "r1")
	require.ErrorIs(t, err, ErrClosed)
	_, _, err = s.List(t.Context(), Filter{}, 0, "")
	require.ErrorIs(t, err, ErrClosed)
}
