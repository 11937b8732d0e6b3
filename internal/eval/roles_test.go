package eval

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/role"
)

func TestTurnsCountForTheirRole(t *testing.T) {
	turns := []SpokenTurn{
		{Role: role.Judge, Start: 0, End: 4},
		{Role: role.Plaintiff, Start: 5, End: 9},
		{Role: role.Defendant, Start: 8, End: 10, Interrupts: true},
		{Role: role.Witness, Start: 12, End: 14},
		{Role: role.Judge, Start: 15, End: 19},
	}
	found := []FoundTurn{
		{Role: role.Judge, Start: -.2, End: 1.9}, {Role: role.Judge, Start: 2.2, End: 4.3}, // in two pieces
		{Role: role.Plaintiff, Start: 4.8, End: 9.2, Overlap: true},
		{Role: role.Defendant, Start: 7.8, End: 10.2, Overlap: true},
		{Role: role.Judge, Start: 11.9, End: 14.2},   // the witness's: given to another, and the judge's is spurious
		{Role: role.Plaintiff, Start: 15, End: 15.5}, // leaked
		{Role: role.Judge, Start: 15, End: 16},       // too little of the turn
	}
	r := RolesReport{}
	r.score("a.wav", turns, found, false)
	assert.Equal(t, []int{1, 0}, []int{r.Another, r.Unknown})
	assert.Nil(t, r.AtOnce)
	assert.Equal(t, []RolesFile{{"a.wav", 5, 3, 2}}, r.PerFile)
	assert.Equal(t, []int{1, 1, 1}, []int{r.Interrupting, r.InterruptRight, r.OverlapsReported})
	var what []string
	for _, w := range r.Wrong {
		what = append(what, w.What+" "+string(w.Role))
	}
	assert.Equal(t, []string{"given to another witness", "missed judge", "spurious judge", "spurious plaintiff"}, what)
}

func TestTurnsOfOneMicrophoneMayBeLeftOpen(t *testing.T) {
	turns := []SpokenTurn{
		{Role: role.Judge, Start: 0, End: 4}, {Role: role.Plaintiff, Start: 5, End: 9}, {Role: role.Judge, Start: 10, End: 12},
		{Role: role.Defendant, Start: 13, End: 15}, {Role: role.Witness, Start: 16, End: 19}, {Role: role.Witness, Start: 30, End: 40},
	}
	found := []FoundTurn{
		{Role: role.Judge, AtOnce: role.Unknown, Start: 0, End: 4}, {Role: role.Plaintiff, AtOnce: role.Plaintiff, Start: 5, End: 9},
		{Role: role.Plaintiff, AtOnce: role.Unknown, Start: 10, End: 12}, {Role: role.Unknown, AtOnce: role.Unknown, Start: 13, End: 15},
		{Role: role.Witness, AtOnce: role.Judge, Start: 16, End: 19}, {Role: role.Witness, AtOnce: role.Witness, Start: 30, End: 32},
	}
	r := RolesReport{}
	r.score("a.wav", turns, found, true)
	assert.Equal(t, []RolesFile{{"a.wav", 6, 3, 1}}, r.PerFile)
	assert.Equal(t, []int{1, 1}, []int{r.Another, r.Unknown})
	assert.Equal(t, &RolesAtOnce{Right: 1, Another: 1, Unknown: 3}, r.AtOnce)
	var text bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	assert.Contains(t, text.String(), "1 given to another role, 1 unknown, 1 not found")
}

func TestHearingsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	_, err := Roles{}.Folder(context.Background(), dir)
	require.ErrorContains(t, err, "holds no hearing")
	write("a.wav", "")
	write("a.json", `{"seats":[{"channel":0,"role":"judge"}],"turns":[{"channel":0,"role":"judge","start":1,"end":3}]}`)
	write("b.wav", "")
	write("c.wav", "")
	write("c.json", `{"turns":[{"role":"bailiff","start":1,"end":3}]}`)
	write("d.wav", "")
	write("d.json", `{"turns":[]}`)
	m := Roles{Hear: func(_ context.Context, path string, seats []Seat) ([]FoundTurn, float64, error) {
		assert.Equal(t, "a.wav", filepath.Base(path))
		return []FoundTurn{{Role: seats[0].Role, Start: .8, End: 3.2}}, 4, nil
	}}
	r, err := m.Folder(context.Background(), dir)
	require.NoError(t, err)
	assert.Equal(t, 1., r.Share.Value)
	assert.Equal(t, 4., r.AudioSeconds)
	assert.Len(t, r.Unscored, 3)
	var text bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	assert.Contains(t, text.String(), "1 of 1, and 0 spurious")
	m.Hear = func(context.Context, string, []Seat) ([]FoundTurn, float64, error) { return nil, 0, errors.New("deaf") }
	_, err = m.Folder(context.Background(), dir)
	require.ErrorContains(t, err, "a.wav: deaf")
}
