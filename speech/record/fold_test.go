package record

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// framed is a journal of payloads, whole but for what they say.
func framed(payloads ...string) []byte {
	b, head := []byte(journalHeader), chainStart()
	for _, p := range payloads {
		var f []byte
		f, head = frame(head, []byte(p))
		b = append(b, f...)
	}
	return b
}

// TestEntriesThatCannotFollow wants entries that no version wrote, with hashes that are right, to be refused by their numbers.
func TestEntriesThatCannotFollow(t *testing.T) {
	const (
		created = `{"entry":1,"revision":1,"act":"created","at":"2026-03-02T09:00:00Z","id":"h","case":{}}`
		heard   = `{"entry":2,"revision":2,"act":"heard","at":"2026-03-02T09:00:00Z","turns":[{"id":1,"start":0,"end":1,"text":"好"}]}`
		third   = `{"entry":3,"revision":3,"at":"2026-03-02T09:00:00Z",`
	)
	_, _, err := read(framed(created, heard, third+`"act":"finished"}`))
	require.ErrorContains(t, err, "EOF")
	for last, want := range map[string]string{
		`[]`:                        "can't be read",
		`{"entry":4,"act":"noted"}`: "calls itself entry 4",
		`{"entry":3,"revision":2,"act":"finished"}`:                                      "makes revision 2, but the one before is 2",
		`{"entry":3,"revision":3,"act":"noted"}`:                                         "makes revision 3",
		`{"entry":3,"revision":3,"act":"created","id":"h","case":{}}`:                    "created in the wrong place",
		`{"entry":3,"act":"noted","sound":{"from":0,"to":9}}`:                            "sound from sample 0 to 9",
		`{"entry":3,"act":"begun","session":{"channels":0}}`:                             "begun without what it is about",
		`{"entry":3,"act":"exported"}`:                                                   "exported without",
		third + `"act":"danced"}`:                                                        `"danced" is no act of this version`,
		third + `"act":"case_set"}`:                                                      "case_set without",
		third + `"act":"heard","turns":[{"id":3}]}`:                                      "turn 3 follows turn 1",
		third + `"act":"heard","turns":[{"id":2,"quotations":[{"start":0,"end":9}]}]}`:   "characters 0 to 9 in a text of 0",
		third + `"act":"inserted","after":7,"turns":[{"id":2}]}`:                         "inserted without",
		third + `"act":"inserted"}`:                                                      "inserted without",
		third + `"act":"corrected","turn":7,"set":{}}`:                                   "corrected without",
		third + `"act":"corrected","turn":1}`:                                            "corrected without",
		third + `"act":"corrected","turn":1,"set":{"quotations":[{"start":1,"end":1}]}}`: "characters 1 to 1",
		third + `"act":"withdrawn","turn":7}`:                                            "withdrawn without",
		third + `"act":"assigned"}`:                                                      "assigned without",
		third + `"act":"assigned","seat":{"role":"judge"},"changed":[7]}`:                "assigned of turn 7, which is not there",
		third + `"act":"agenda_set","changed":[1]}`:                                      "agenda_set without",
	} {
		_, s, err := read(framed(created, heard, last))
		var damage *DamageError
		require.ErrorAs(t, err, &damage, last)
		assert.Equal(t, int64(3), damage.Entry, last)
		assert.Equal(t, s.at, damage.Offset, last)
		assert.ErrorContains(t, err, want, last)
	}
	_, _, err = read(framed(heard))
	require.ErrorContains(t, err, "entry 1")
	_, _, err = read([]byte("courtsense/rec9\n"))
	require.ErrorContains(t, err, "does not begin like a journal")
}

// TestWhatCannotBeHeard wants turns that a stream may not write to be refused, and nothing of them kept.
func TestWhatCannotBeHeard(t *testing.T) {
	r := create(t, openStore(t, t.TempDir(), Options{KeepAudio: true}), "h")
	f := feed(t, r, 2)
	before := r.Snapshot()
	many := make([]Turn, maxTurns+1)
	for want, turns := range map[string][]Turn{
		"channel 2, the stream has 2":                     {said(2, 0, "一")},
		"channel -1, the stream has 2":                    {said(-1, 0, "一")},
		"turn: start: NaN s":                              {{Start: math.NaN()}},
		"turn: end: -1 s":                                 {{End: -1}},
		"confidence NaN is no number":                     {{Confidence: float32(math.NaN())}},
		"word 一: confidence +Inf is no number":            {{Words: []Word{{Text: "一", Confidence: float32(math.Inf(1))}}}},
		"turn: word has 300 characters":                   {{Words: []Word{{Text: strings.Repeat("一", 300)}}}},
		"turn: speaker has 300 characters":                {{Speaker: strings.Repeat("一", 300)}},
		"agenda item 4":                                   {{AgendaItem: 4}},
		"quotation: law is not UTF-8":                     {{Text: "一", Quotations: []Quotation{{End: 1, Law: "\xff"}}}},
		"1001 turns, at most 1000 are written at once":    many,
		"at most 16777216 are kept at once; send it in p": fat(60),
	} {
		_, err := f.Append(t.Context(), 1, turns...)
		require.ErrorIs(t, err, ErrInvalid, want)
		assert.ErrorContains(t, err, want)
	}
	_, err := f.Append(t.Context(), math.Inf(1))
	require.ErrorIs(t, err, ErrInvalid)
	assert.Equal(t, before, r.Snapshot())
	assert.Len(t, hear(t, f, said(1, 0, "好")), 1)
}

// fat is turns of 300 KB each.
func fat(n int) []Turn {
	turns := make([]Turn, n)
	for i := range turns {
		turns[i] = Turn{Start: float64(i), End: float64(i + 1), Text: strings.Repeat("长", maxText)}
	}
	return turns
}

// TestUnfinishedFoldersAreForgotten wants what a process left that died while it began a record to be removed, but not what one is making now.
func TestUnfinishedFoldersAreForgotten(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, newPrefix+"1"), filepath.Join(dir, newPrefix+"2")
	require.NoError(t, os.Mkdir(old, 0o700))
	require.NoError(t, os.Mkdir(young, 0o700))
	past := time.Now().Add(-2 * newForgotten)
	require.NoError(t, os.Chtimes(old, past, past))
	s := openStore(t, dir, Options{})
	assert.NoDirExists(t, old)
	assert.DirExists(t, young)
	page, _, err := s.List(t.Context(), Filter{}, 0, "")
	require.NoError(t, err)
	assert.Empty(t, page)
	drawn, err := s.Create(t.Context(), "", Case{}, clerk)
	require.NoError(t, err)
	assert.Len(t, drawn.ID(), 36)
	require.NoError(t, drawn.Close())
}
