package record

import (
	"fmt"
	"github.com/courtsense/courtsense/speech/role"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// stated is a state of turns, with ids in their order.
func stated(turns ...Turn) State {
	for i := range turns {
		turns[i].ID = int64(i + 1)
	}
	return State{ID: "h", Turns: turns}
}

func TestLocate(t *testing.T) {
	withdrawn := said(0, 0, "不算。")
	withdrawn.Withdrawn = true
	s := stated(withdrawn, said(0, 10, "原告，你好。"), said(1, 11, "好的"), said(0, 20, "闭庭"))
	assert.Empty(t, s.Locate(1))
	got := s.Locate(11.7)
	require.Len(t, got, 2, "two speak")
	assert.Equal(t, Place{Turn: 2, Word: 2, Character: 3, Start: 11.5, End: 12}, got[0])
	assert.Equal(t, Place{Turn: 3, Word: 1, Character: 1, Start: 11.5, End: 12}, got[1])
	got = s.Locate(15)
	require.Len(t, got, 1)
	assert.Equal(t, int64(2), got[0].Turn, "nobody speaks: the last turn before")
	assert.Equal(t, 3, got[0].Word)
}

func TestSpan(t *testing.T) {
	turn := said(0, 100, "三万五千元货款二零一九年八月")
	for written, wants := range map[string][4]float64{
		"三万五千元货款二零一九年八月":     {0, 5, 100, 102.5},
		"3.5万元货款，2019年8月。":   {0, 5, 100, 102.5},    // 3.5万元
		"被告欠三万五千元货款，二零一九年八月": {3, 8, 100, 102.5},    // 三万五千元
		"三万五千元货款：2019年8月":    {8, 12, 103.5, 105.5}, // 2019
	} {
		corrected := turn
		corrected.Text = written
		from, to, err := stated(corrected).Span(1, int(wants[0]), int(wants[1]))
		require.NoError(t, err)
		assert.InDelta(t, wants[2], from, .51, written)
		assert.InDelta(t, wants[3], to, .51, written)
	}
	mute := Turn{Start: 1, End: 2, Text: "（敲法槌）"}
	from, to, err := stated(mute).Span(1, 0, 2)
	require.NoError(t, err)
	assert.Equal(t, [2]float64{1, 2}, [2]float64{from, to})
	_, _, err = stated(mute).Span(9, 0, 1)
	require.ErrorIs(t, err, ErrNotFound)
}

// TestSpansFollowEachOther wants text, however it was corrected, to be said in its order and within the turn.
func TestSpansFollowEachOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		turn := said(0, 5, rapid.StringMatching(`[一二三abc]{1,20}`).Draw(rt, "said"))
		turn.Text = rapid.StringMatching(`[一二三四abcD，。 ]{1,30}`).Draw(rt, "written")
		s, last := stated(turn), turn.Start
		n := len([]rune(turn.Text))
		for i := range n {
			from, to, err := s.Span(1, i, i+1)
			require.NoError(rt, err)
			require.GreaterOrEqual(rt, from, last)
			require.GreaterOrEqual(rt, to, from)
			require.LessOrEqual(rt, to, turn.End)
			last = from
		}
		if turn.Text == strings.TrimSpace(turn.Text) && sounds([]rune(turn.Text)[0]) {
			for _, h := range must(s.Search(Query{Text: turn.Text}, 0, 0)) {
				require.Equal(rt, 0, h.Start)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSearch(t *testing.T) {
	fixed := said(0, 30, "合同编号是三五八")
	spoken := fixed.Text
	fixed.Text, fixed.Spoken = "合同编号是ＨＴ-358。", spoken
	withdrawn := said(0, 40, "违约金不算。")
	withdrawn.Withdrawn = true
	turns := []Turn{said(0, 0, "被告，返还违约金、违约金利息。"), said(1, 10, "没有违约 金。"), fixed, withdrawn}
	turns[1].Role = role.Defendant
	s := stated(turns...)
	hits := must(s.Search(Query{Text: "违约金"}, 0, 0))
	require.Len(t, hits, 3)
	assert.Equal(t, Hit{Turn: 1, Start: 5, End: 8, From: 2.5, To: 4, Text: turns[0].Text}, hits[0])
	assert.Equal(t, [2]int{9, 12}, [2]int{hits[1].Start, hits[1].End})
	assert.Equal(t, [2]int{2, 6}, [2]int{hits[2].Start, hits[2].End}, "over a blank")
	assert.Equal(t, hits[1:2], must(s.Search(Query{Text: "违约金"}, 1, 1)))
	assert.Equal(t, hits[2:], must(s.Search(Query{Text: "违约金", Role: role.Defendant}, 0, 0)))
	assert.Len(t, must(s.Search(Query{Text: "违约金", Withdrawn: true}, 0, 0)), 4)
	assert.Len(t, must(s.Search(Query{Text: "被告返还"}, 0, 0)), 1, "over a mark")
	assert.Equal(t, 5, must(s.Search(Query{Text: "ht358"}, 0, 0))[0].Start, "full-width capitals")
	assert.Empty(t, must(s.Search(Query{Text: "三五八"}, 0, 0)))
	h := must(s.Search(Query{Text: "三五八", Spoken: true}, 0, 0))
	require.Len(t, h, 1)
	assert.Equal(t, [2]float64{30, 34}, [2]float64{h[0].From, h[0].To})
	assert.Empty(t, must(s.Search(Query{Text: "没有的"}, 0, 0)))
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{IdleRecords: 1})
	for i := range 7 {
		c := hearing
		c.Number, c.Date = fmt.Sprintf("（2026）京0491民初%d号", i), fmt.Sprintf("2026-03-0%d", i+1)
		if i == 6 {
			c = Case{Kind: Minutes, Title: "审判委员会第三次会议"}
		}
		r, err := s.Create(t.Context(), fmt.Sprint("r", i), c, clerk)
		require.NoError(t, err)
		if i == 1 {
			_, err = r.AssignRole(t.Context(), Seat{Channel: 1, Role: "judge"}, clerk)
			require.NoError(t, err)
		}
		if i == 2 {
			_, err = r.Finish(t.Context(), clerk)
			require.NoError(t, err)
		}
		require.NoError(t, r.Close())
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "lost+found"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "empty"), 0o700))
	ids := func(s *Store, f Filter) (all []string) {
		t.Helper()
		page, next, err := s.List(t.Context(), f, 0, "")
		require.NoError(t, err)
		require.Empty(t, next)
		for _, m := range page {
			require.Empty(t, m.Problem)
			all = append(all, m.ID)
		}
		return all
	}
	yes, no := true, false
	for _, s := range []*Store{s, openStore(t, dir, Options{ReadOnly: true})} {
		assert.Equal(t, []string{"r0", "r1", "r2", "r3", "r4", "r5", "r6"}, ids(s, Filter{}))
		assert.Equal(t, []string{"r6"}, ids(s, Filter{Kind: Minutes}))
		assert.Equal(t, []string{"r2"}, ids(s, Filter{Finished: &yes}))
		assert.Len(t, ids(s, Filter{Finished: &no}), 6)
		assert.Equal(t, []string{"r3"}, ids(s, Filter{Text: "民初3号"}))
		assert.Len(t, ids(s, Filter{Text: "某某有限"}), 6)
		assert.Equal(t, []string{"r1", "r2"}, ids(s, Filter{From: "2026-03-02", To: "2026-03-03"}))
		seated, _, err := s.List(t.Context(), Filter{Text: "r1"}, 0, "")
		require.NoError(t, err)
		require.Len(t, seated, 1)
		assert.Equal(t, []Seat{{Channel: 1, Role: "judge"}}, seated[0].Seats)
		page, next, err := s.List(t.Context(), Filter{}, 4, "")
		require.NoError(t, err)
		require.Len(t, page, 4)
		page, next, err = s.List(t.Context(), Filter{}, 4, next)
		require.NoError(t, err)
		require.Len(t, page, 3)
		require.Empty(t, next)
	}
	// What a list remembers holds only as long as the journal does.
	r := get(t, s, "r0")
	_, err := r.Finish(t.Context(), clerk)
	require.NoError(t, err)
	assert.Equal(t, []string{"r0", "r2"}, ids(s, Filter{Finished: &yes}))
	assert.Equal(t, []string{"r0", "r2"}, ids(openStore(t, dir, Options{ReadOnly: true}), Filter{Finished: &yes}))
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "r0", summaryName), []byte("{"), 0o600))
	assert.Equal(t, []string{"r0", "r2"}, ids(openStore(t, dir, Options{}), Filter{Finished: &yes}))
	b, err := os.ReadFile(filepath.Join(dir, "r0", summaryName))
	require.NoError(t, err)
	assert.Greater(t, len(b), 1, "it was made again")
}

// TestFoldIsReplay does random things to a record, opens it anew in between, and wants the journal to say what the record says, and that nothing that anybody
// said or wrote is lost.
func TestFoldIsReplay(t *testing.T) {
	parent, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir, clock := filepath.Join(parent, fmt.Sprint(n)), newClock()
		o := Options{KeepAudio: rapid.Bool().Draw(rt, "sound"), Clock: clock.now, Logger: quiet(), wrap: unsynced}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		s := must(Open(dir, o))
		defer func() { s.Close() }()
		r := must(s.Create(t.Context(), "h", hearing, clerk))
		f := must(r.Feed(t.Context(), FeedOptions{Channels: 2}))
		at, written := 0., map[string]int{} // texts, and how often each was written
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			clock.at = clock.at.Add(clockStep * timeSteps[rng.IntN(len(timeSteps))])
			state := r.Snapshot()
			var turn Turn
			if len(state.Turns) > 0 {
				turn = state.Turns[rng.IntN(len(state.Turns))]
			}
			text := fmt.Sprint("第", rng.Uint64(), "句")
			var err error
			switch rng.IntN(10) {
			case 0, 1, 2:
				turns := []Turn{said(rng.IntN(2), at, text)}
				if rng.IntN(3) == 0 {
					turns = append(turns, said(rng.IntN(2), max(at-rng.Float64()*3, 0), text+"。"))
					written[text+"。"]++
				}
				written[text]++
				at += 10 * rng.Float64()
				require.NoError(rt, f.Sound(t.Context(), at, make([]byte, 4*rng.IntN(1000))))
				_, err = f.Append(t.Context(), at, turns...)
			case 3, 4:
				_, err = r.Correct(t.Context(), turn.ID, Correction{Base: turn.Revision(), Text: &text, Edit: clerk})
				if err == nil {
					written[text]++
				}
			case 5:
				_, err = r.Insert(t.Context(), turn.ID, Turn{Text: text}, clerk)
				written[text]++
			case 6:
				if _, err = r.Withdraw(t.Context(), turn.ID, turn.Revision(), clerk); err != nil {
					_, err = r.Restore(t.Context(), turn.ID, turn.Revision(), clerk)
				}
			case 7:
				_, err = r.AssignRole(t.Context(), Seat{Channel: rng.IntN(2), Role: role.All()[rng.IntN(len(role.All()))]}, clerk)
			case 8:
				_, err = r.SetAgenda(t.Context(), rng.IntN(4), at, clerk)
			case 9: // the process ends here
				require.NoError(rt, s.Close())
				s = must(Open(dir, o))
				r = must(s.Get(t.Context(), "h"))
				require.Equal(rt, state, r.Snapshot())
				f = must(r.Feed(t.Context(), FeedOptions{Channels: 2}))
				require.Equal(rt, state.Settled, f.Resume())
				at = max(at, lastEnd(state)) // what is heard again is left out, which is another test's
			}
			if err != nil {
				require.True(rt, turn.ID == 0 || turn.Withdrawn, err)
			}
		}
		state := r.Snapshot()
		require.Equal(rt, state, reread(t, dir, "h"))
		found := map[string]int{}
		for _, turn := range state.Turns {
			for _, rev := range turn.Revisions {
				if rev.Text != nil {
					found[*rev.Text]++
				}
			}
			require.True(rt, slices.IsSortedFunc(turn.Revisions, func(a, b Revision) int { return int(a.Number - b.Number) }))
		}
		require.Equal(rt, written, found)
		for i, rev := range state.Revisions {
			require.Equal(rt, int64(i+1), rev.Number)
		}
		// Who follows the changes has the same turns.
		require.Equal(rt, state.Turns, followed(r.Changes(0)))
		require.Empty(rt, must(s.Verify(t.Context(), "h", state.Head)).Problems)
	})
}

// timeSteps make the clock jump, seconds.
var timeSteps = []time.Duration{0, 1, 1, 5, 3600, -3600}

func lastEnd(s State) (end float64) {
	for _, t := range s.Turns {
		if !t.Inserted {
			end = max(end, t.End)
		}
	}
	return end
}

// followed is the turns as somebody has them who only sees the changes.
func followed(changes []Change) []Turn {
	turns := []Turn{}
	index := func(id int64) int { return slices.IndexFunc(turns, func(t Turn) bool { return t.ID == id }) }
	for _, c := range changes {
		for i, t := range c.Turns {
			if c.After != nil {
				turns = slices.Insert(turns, index(c.After[i])+1, t)
			} else {
				turns[index(t.ID)] = t
			}
		}
	}
	return turns
}
