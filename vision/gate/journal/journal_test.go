package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/liveness"
)

var (
	monday = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	liNa   = gate.PersonRef{Gallery: "staff", ID: "li-na"}
	wuFang = gate.PersonRef{Gallery: "staff", ID: "wu-fang"}
)

func keyring(t *testing.T, ids ...string) *gallery.Keyring {
	t.Helper()
	keys := map[string][]byte{}
	for _, id := range ids {
		keys[id] = bytes.Repeat([]byte(id[:1]), 32)
	}
	k, err := gallery.NewKeyring(ids[0], keys)
	require.NoError(t, err)
	return k
}

func config(t *testing.T) Config {
	return Config{Path: filepath.Join(t.TempDir(), "gates.db"), Keys: keyring(t, "a"), Now: func() time.Time { return monday }}
}

func open(t *testing.T, cfg Config) *Journal {
	t.Helper()
	j, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	return j
}

func event(kind gate.Type, passage string, who gate.PersonRef, at time.Duration, way gate.Direction) gate.Event {
	return gate.Event{
		Type: kind, Camera: "door", Zone: "hall", Direction: way, Passage: passage, Person: who,
		Start: monday.Add(at - time.Second), Time: monday.Add(at), Frames: 3, Confidence: 0.9, Rule: "staff",
		Similarity: &gate.Similarity{Cosine: 0.7, Threshold: 0.5, FMR: 1e-4, MeasuredOn: "test"},
		Liveness:   &liveness.Result{Verdict: liveness.Live, Score: 0.9},
	}
}

func add(t *testing.T, j *Journal, events ...gate.Event) []Record {
	t.Helper()
	r, err := j.Append(t.Context(), events)
	require.NoError(t, err)
	return r
}

func TestEventsComeBackInTheirOrder(t *testing.T) {
	cfg := config(t)
	j := open(t, cfg)
	r := add(t, j, event(gate.Admitted, "p1", liNa, time.Minute, gate.Entry), event(gate.Unknown, "p2", gate.PersonRef{}, 2*time.Minute, gate.Entry))
	require.Equal(t, []int64{1, 2}, []int64{r[0].Seq, r[1].Seq})
	require.NoError(t, j.Close())
	require.NoError(t, j.Close())
	_, err := j.After(t.Context(), 0, 10)
	require.ErrorIs(t, err, ErrClosed)

	j = open(t, cfg)
	assert.Equal(t, int64(3), add(t, j, event(gate.Spoof, "p3", liNa, 3*time.Minute, gate.Entry))[0].Seq)
	all, err := j.After(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, gate.Unknown, all[0].Type)
	assert.Equal(t, int64(3), all[1].Seq)
	assert.Equal(t, liNa, all[1].Person)
	assert.InDelta(t, 0.7, all[1].Similarity.Cosine, 1e-6)
	assert.Equal(t, liveness.Live, all[1].Liveness.Verdict)
	assert.True(t, all[1].Start.Equal(monday.Add(3*time.Minute-time.Second)))
	assert.Equal(t, int64(4), j.Next())
}

func TestVisits(t *testing.T) {
	j := open(t, config(t))
	add(t, j, event(gate.Admitted, "in-1", liNa, 0, gate.Entry))
	add(t, j, event(gate.Unknown, "in-2", gate.PersonRef{}, time.Minute, gate.Entry))
	add(t, j, event(gate.Refused, "in-3", wuFang, 2*time.Minute, gate.Entry))
	add(t, j, event(gate.Admitted, "in-3", wuFang, 3*time.Minute, gate.Entry)) // the door opened
	add(t, j, event(gate.Admitted, "in-2", wuFang, 4*time.Minute, gate.Entry)) // recognised at second sight
	add(t, j, event(gate.Admitted, "out-1", liNa, time.Hour, gate.Exit))
	add(t, j, event(gate.Admitted, "out-2", liNa, 2*time.Hour, gate.Exit)) // whom no camera saw come in again
	add(t, j, event(gate.CameraLost, "", gate.PersonRef{}, 3*time.Hour, 0))

	all, next, err := j.Visits(t.Context(), VisitQuery{PageSize: 10})
	require.NoError(t, err)
	assert.Empty(t, next)
	require.Len(t, all, 3)
	assert.Equal(t, liNa, all[0].Person)
	assert.True(t, all[0].Exit.Equal(monday.Add(time.Hour)))
	assert.Equal(t, []int64{1, 6}, all[0].Events)
	assert.Equal(t, wuFang, all[1].Person, "who was unknown at first")
	assert.Equal(t, []int64{2, 5}, all[1].Events)
	assert.True(t, all[1].Exit.IsZero())
	assert.Equal(t, []int64{4}, all[2].Events)

	some, _, err := j.Visits(t.Context(), VisitQuery{PageSize: 10, Person: wuFang.Name(), From: monday.Add(2 * time.Minute)})
	require.NoError(t, err)
	require.Len(t, some, 1)
	none, _, err := j.Visits(t.Context(), VisitQuery{PageSize: 10, Zone: "elsewhere"})
	require.NoError(t, err)
	assert.Empty(t, none)
	none, _, err = j.Visits(t.Context(), VisitQuery{PageSize: 10, Until: monday.Add(-time.Hour)})
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestAnExitFindsTheEntryAfterARestart(t *testing.T) {
	cfg := config(t)
	j := open(t, cfg)
	add(t, j, event(gate.Admitted, "in", liNa, 0, gate.Entry))
	require.NoError(t, j.Close())
	j = open(t, cfg)
	add(t, j, event(gate.Admitted, "out", liNa, time.Hour, gate.Exit))
	all, _, err := j.Visits(t.Context(), VisitQuery{PageSize: 10})
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.False(t, all[0].Exit.IsZero())
}

func TestAttendance(t *testing.T) {
	j := open(t, config(t))
	add(t, j, event(gate.Admitted, "1", liNa, 0, gate.Entry), event(gate.Admitted, "2", liNa, 9*time.Hour, gate.Exit),
		event(gate.Refused, "3", wuFang, time.Hour, gate.Entry), event(gate.Admitted, "4", wuFang, 26*time.Hour, gate.Entry))
	require.NoError(t, j.End(t.Context(), []gate.Ending{{Passage: "2", Last: monday.Add(9*time.Hour + 30*time.Second)}, {Passage: "3", Last: monday.Add(2 * time.Hour)}, {Passage: "never", Last: monday}}))
	q := AttendanceQuery{First: "2026-03-01", Last: "2026-03-04", Location: time.UTC, PageSize: 10}
	all, _, err := j.Attendance(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, all, 2, "a person who was refused was not there")
	assert.Equal(t, liNa, all[0].Person)
	assert.Equal(t, "2026-03-02", all[0].Date)
	assert.True(t, all[0].First.Equal(monday.Add(-time.Second)))
	assert.True(t, all[0].Last.Equal(monday.Add(9*time.Hour+30*time.Second)))
	assert.Equal(t, 2, all[0].Passages)
	assert.Equal(t, "2026-03-03", all[1].Date)

	// In Auckland it is the next day's morning already.
	auckland, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	q.Location, q.Person = auckland, liNa.Name()
	all, _, err = j.Attendance(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "2026-03-03", all[1].Date)

	for _, bad := range []AttendanceQuery{
		{First: "yesterday", PageSize: 1}, {First: "2026-03-02", Last: "2026-03-01", PageSize: 1}, {First: "2020-01-01", Last: "2026-03-01", PageSize: 1},
		{First: "2026-03-01", PageSize: 0}, {First: "2026-03-01", PageSize: 1, PageToken: "%"}, {First: "2026-03-01", PageSize: 1, PageToken: token("visit %d %d", 1, 2)},
	} {
		_, _, err := j.Attendance(t.Context(), bad)
		require.ErrorIs(t, err, ErrInvalid, "%+v", bad)
	}
}

func TestPagesHoldEverythingOnce(t *testing.T) {
	j := open(t, config(t))
	const n = 600 // more than are read at once
	var events []gate.Event
	for i := range n {
		who := gate.PersonRef{Gallery: "staff", ID: fmt.Sprintf("p%03d", i%97)}
		// Many at the same moment.
		events = append(events, event(gate.Admitted, fmt.Sprint(i), who, time.Duration(i/50)*time.Hour, gate.Entry))
	}
	add(t, j, events...)
	seen, token := map[int64]bool{}, ""
	for {
		page, next, err := j.Visits(t.Context(), VisitQuery{PageSize: 37, PageToken: token})
		require.NoError(t, err)
		for _, v := range page {
			require.False(t, seen[v.ID])
			seen[v.ID] = true
		}
		if token = next; next == "" {
			break
		}
	}
	assert.Len(t, seen, n)
	passages, rows, token := 0, map[string]bool{}, ""
	for {
		page, next, err := j.Attendance(t.Context(), AttendanceQuery{First: "2026-03-02", Last: "2026-03-03", Location: time.UTC, PageSize: 31, PageToken: token})
		require.NoError(t, err)
		for _, a := range page {
			require.False(t, rows[a.Date+a.Person.ID])
			rows[a.Date+a.Person.ID] = true
			passages += a.Passages
		}
		if token = next; next == "" {
			break
		}
	}
	assert.Equal(t, n, passages)
}

func TestWhatIsOldIsGone(t *testing.T) {
	cfg := config(t)
	now := monday
	cfg.Now, cfg.Retention = func() time.Time { return now }, 30*24*time.Hour
	j := open(t, cfg)
	add(t, j, event(gate.Admitted, "1", liNa, 0, gate.Entry))
	n, err := j.Expire(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
	now = monday.AddDate(0, 0, 31)
	n, err = j.Expire(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(2), n)
	all, err := j.After(t.Context(), 0, 10)
	require.NoError(t, err)
	assert.Empty(t, all)
	require.NoError(t, j.End(t.Context(), []gate.Ending{{Passage: "1", Last: now}}), "of a passage whose record is gone")
	assert.Equal(t, int64(2), add(t, j, event(gate.Admitted, "2", liNa, 0, gate.Entry))[0].Seq, "numbers are not used again")
}

func TestTheFileTellsNobodysName(t *testing.T) {
	cfg := config(t)
	j := open(t, cfg)
	add(t, j, event(gate.Admitted, "1", liNa, 0, gate.Entry), event(gate.Unknown, "2", gate.PersonRef{}, 0, gate.Entry))
	var sizes []int
	require.NoError(t, j.db.each(t.Context(), func(scan func(...any) error) error {
		var b []byte
		err := scan(&b)
		sizes = append(sizes, len(b))
		return err
	}, "SELECT sealed FROM events"))
	assert.Equal(t, sizes[0], sizes[1], "who is known and who is not are of one length")
	require.NoError(t, j.Close())
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(cfg.Path + suffix)
		if err != nil {
			continue
		}
		for _, word := range []string{"li-na", "staff", "hall", "door"} {
			assert.NotContains(t, string(content), word)
		}
	}
	info, err := os.Stat(cfg.Path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestFilesThatAreRefused(t *testing.T) {
	cfg := config(t)
	j := open(t, cfg)
	add(t, j, event(gate.Admitted, "1", liNa, 0, gate.Entry), event(gate.Admitted, "2", wuFang, 0, gate.Entry))
	_, err := Open(t.Context(), cfg)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, j.Close())

	other := cfg
	other.Keys = keyring(t, "b")
	_, err = Open(t.Context(), other)
	require.ErrorIs(t, err, gallery.ErrWrongKey)

	// The keyring was rotated: the old key opens it, and is not needed from then on.
	other.Keys = keyring(t, "b", "a")
	j = open(t, other)
	require.NoError(t, j.Close())
	other.Keys = keyring(t, "b")
	j = open(t, other)
	all, err := j.After(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, all, 2)

	// A record in another's place is noticed.
	require.NoError(t, j.db.exec(t.Context(), "UPDATE events SET sealed = (SELECT sealed FROM events WHERE seq = 2) WHERE seq = 1"))
	_, err = j.After(t.Context(), 0, 10)
	require.ErrorIs(t, err, ErrCorrupt)
	require.NoError(t, j.Close())

	require.NoError(t, os.WriteFile(cfg.Path, []byte("no database at all, but long enough to be read as one by somebody"), 0o600))
	_, err = Open(t.Context(), other)
	require.ErrorIs(t, err, ErrCorrupt)
	cfg.Path = filepath.Join(t.TempDir(), "no", "such", "folder", "gates.db")
	_, err = Open(t.Context(), cfg)
	require.ErrorIs(t, err, ErrReadOnly)
	_, err = Open(t.Context(), Config{})
	require.ErrorIs(t, err, ErrInvalid)
}

func TestAFullDiskLosesNothingThatWasWritten(t *testing.T) {
	cfg := config(t)
	cfg.FileBytes = 64 << 10
	j := open(t, cfg)
	wrote, last := 0, int64(0)
	for i := range 1000 {
		r, err := j.Append(t.Context(), []gate.Event{event(gate.Admitted, fmt.Sprint(i), liNa, 0, gate.Entry)})
		require.Len(t, r, 1)
		require.Greater(t, r[0].Seq, last, "followers get their numbers all the same")
		last = r[0].Seq
		if err != nil {
			require.ErrorIs(t, err, ErrFull)
			break
		}
		wrote++
	}
	all, err := j.After(t.Context(), 0, 2000)
	require.NoError(t, err)
	assert.Len(t, all, wrote)
	assert.Less(t, wrote, 1000)
	visits, _, err := j.Visits(t.Context(), VisitQuery{PageSize: 1000})
	require.NoError(t, err)
	assert.Len(t, visits, wrote)
}
