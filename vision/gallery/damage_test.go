package gallery_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/gallery"
)

// filled makes a closed file of persons p0, p1, ... in gallery "g" and one in "other".
func filled(t *testing.T, persons int) string {
	t.Helper()
	path := newFile(t)
	s := open(t, config(t, path))
	create(t, s, "g")
	create(t, s, "other")
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range persons {
		enrol(t, s, "g", fmt.Sprint("p", i), unit(rng))
	}
	enrol(t, s, "other", "q", axis(0, 0))
	require.NoError(t, s.Close())
	return path
}

// edit changes a closed file by SQL, as somebody who has the file but not the key could.
func edit(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(statement, args...)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// flipped is SQL for a column with another byte at a place, counted from 1. What is encrypted may have any byte there: one value
// for all would now and then change nothing.
func flipped(column string, at int) string {
	return fmt.Sprintf("substr(%[1]s, 1, %[2]d - 1) || CASE substr(%[1]s, %[2]d, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(%[1]s, %[2]d + 1)", column, at)
}

// TestEditedRecords changes a file in ways that leave it a good SQLite file. A gallery that is not what it was must not be
// searched as if it were.
func TestEditedRecords(t *testing.T) {
	for name, c := range map[string]struct{ statement, damage string }{
		"a template's byte":             {"UPDATE slots SET bytes = " + flipped("bytes", 41) + " WHERE id = (SELECT slot FROM templates WHERE id = 3)", "template 3"},
		"a person's byte":               {"UPDATE slots SET bytes = " + flipped("bytes", 31) + " WHERE id = (SELECT slot FROM persons WHERE id = 3)", "person 3"},
		"a template cut short":          {"UPDATE slots SET bytes = substr(bytes, 1, 10) WHERE id = (SELECT slot FROM templates WHERE id = 3)", "template 3"},
		"two templates exchanged":       {"UPDATE templates SET slot = (SELECT t.slot FROM templates t WHERE t.id = 7 - templates.id) WHERE id IN (3, 4)", "template 3"},
		"a template given to another":   {"UPDATE templates SET person = 4 WHERE id = 3", "template 3"},
		"a template taken out":          {"DELETE FROM templates WHERE id = 3", "taken out"},
		"a person taken out":            {"DELETE FROM persons WHERE id = 3", "person 3 is missing"},
		"a person with templates gone":  {"DELETE FROM persons WHERE id = 3; DELETE FROM templates WHERE person = 3", "taken out"},
		"a template put in again":       {"INSERT INTO templates SELECT 99, gallery, person, key, slot FROM templates WHERE id = 3", "template 99"},
		"a person put in again":         {"INSERT INTO persons SELECT 99, gallery, key, slot FROM persons WHERE id = 3", "person 99"},
		"a template of another gallery": {"UPDATE templates SET gallery = 1, person = 3 WHERE gallery = 2", "template 6"},
		"a record wiped":                {"UPDATE slots SET bytes = zeroblob(length(bytes)) WHERE id = (SELECT slot FROM templates WHERE id = 3)", "template 3"},
		"a record taken out":            {"DELETE FROM slots WHERE id = (SELECT slot FROM templates WHERE id = 3)", "template 3"},
		"an unknown key":                {"UPDATE templates SET key = 7 WHERE id = 3", "template 3"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 5)
			edit(t, path, c.statement)
			s := open(t, config(t, path))
			_, err := s.Identify(t.Context(), "g", gallery.Probe{Model: model, Template: axis(0, 0)}, 1)
			require.ErrorIs(t, err, gallery.ErrCorrupt)
			require.ErrorContains(t, err, c.damage)
			require.ErrorContains(t, err, path)
			_, err = s.Enrol(t.Context(), "g", gallery.EnrolRecord{Person: "new", Model: model, Template: axis(0, 0)})
			require.ErrorIs(t, err, gallery.ErrCorrupt)
			_, _, err = s.ListPersons(t.Context(), "g", 10, "")
			require.ErrorIs(t, err, gallery.ErrCorrupt)
			report, err := s.Check(t.Context(), "g")
			require.NoError(t, err)
			require.NotEmpty(t, report.Damaged)

			// Giving up what is damaged is a decision, and has a receipt.
			receipt, err := s.Repair(t.Context(), "g")
			require.NoError(t, err)
			require.NoError(t, s.Verify(receipt))
			report, err = s.Check(t.Context(), "g")
			require.NoError(t, err)
			assert.Empty(t, report.Damaged)
			assert.GreaterOrEqual(t, report.Persons, 4)
			enrol(t, s, "g", "new", axis(0, 0))
			assert.Equal(t, []string{"new"}, ids(identify(t, s, "g", axis(0, 0), 1)))
			require.NoError(t, s.Close())
			s = open(t, config(t, path))
			assert.Equal(t, []string{"new"}, ids(identify(t, s, "g", axis(0, 0), 1)))
		})
	}
}

func TestADamagedGalleryLeavesTheOthers(t *testing.T) {
	path := filled(t, 3)
	edit(t, path, "UPDATE galleries SET sealed = "+flipped("sealed", 61)+" WHERE name = 'g'")
	s := open(t, config(t, path))
	_, err := s.Gallery(t.Context(), "g")
	require.ErrorIs(t, err, gallery.ErrCorrupt)
	_, err = s.Identify(t.Context(), "g", gallery.Probe{Model: model, Template: axis(0, 0)}, 1)
	require.ErrorIs(t, err, gallery.ErrCorrupt)
	assert.Equal(t, []string{"q"}, ids(identify(t, s, "other", axis(0, 0), 1)))
	all, _, err := s.ListGalleries(t.Context(), 0, "")
	require.NoError(t, err)
	assert.Len(t, all, 2)
	_, err = s.CreateGallery(t.Context(), gallery.GallerySpec{Name: "g", Model: model})
	require.ErrorIs(t, err, gallery.ErrExists)
	_, err = s.DeleteGallery(t.Context(), "g", false)
	require.ErrorIs(t, err, gallery.ErrCorrupt)
	receipt, err := s.DeleteGallery(t.Context(), "g", true)
	require.NoError(t, err)
	assert.Equal(t, 3, receipt.Persons)
}

func TestAGalleryUnderAnotherName(t *testing.T) {
	path := filled(t, 3)
	edit(t, path, "UPDATE galleries SET name = 'third' WHERE name = 'g'")
	s := open(t, config(t, path))
	_, err := s.Gallery(t.Context(), "third")
	require.ErrorIs(t, err, gallery.ErrCorrupt)
}

// TestFileCutShort cuts a file at many places. Whatever is left, nobody is missing from a search without an error.
func TestFileCutShort(t *testing.T) {
	path := filled(t, 40)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, n := range []int{0, 1, 100, 4096, 16384, 20000, 2 * 16384, len(whole) / 2, len(whole) - 16384, len(whole) - 1} {
		cut := filepath.Join(t.TempDir(), "cut.db")
		require.NoError(t, os.WriteFile(cut, whole[:n], 0o600))
		_, err := gallery.Open(t.Context(), config(t, cut))
		require.ErrorIs(t, err, gallery.ErrCorrupt, "%d of %d bytes", n, len(whole))
		require.ErrorContains(t, err, cut)
		now, err := os.ReadFile(cut)
		require.NoError(t, err)
		require.True(t, bytes.Equal(whole[:n], now), "nothing was changed")
	}
}

// TestEditedBytes flips bytes anywhere. Each time the file is refused, or the gallery is, or the byte was of no use.
func TestEditedBytes(t *testing.T) {
	path := filled(t, 40)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(8, 8))
	rounds, refused := 150, 0
	if testing.Short() {
		rounds = 20
	}
	for range rounds {
		edited := bytes.Clone(whole)
		at := rng.IntN(len(edited))
		edited[at] ^= byte(1 + rng.IntN(255))
		file := filepath.Join(t.TempDir(), "edited.db")
		require.NoError(t, os.WriteFile(file, edited, 0o600))
		s, err := gallery.Open(t.Context(), config(t, file))
		if err != nil {
			refused++
			require.True(t, errors.Is(err, gallery.ErrCorrupt) || errors.Is(err, gallery.ErrWrongKey) || errors.Is(err, gallery.ErrInvalid), "byte %d: %v", at, err)
			continue
		}
		probe := unit(rand.New(rand.NewPCG(4, 4)))
		found, err := s.Identify(t.Context(), "g", gallery.Probe{Model: model, Template: probe}, 1000)
		if err == nil {
			require.Len(t, found, 40, "byte %d", at)
			require.Equal(t, "p0", found[0].Person.ID)
		} else {
			refused++
			require.True(t, errors.Is(err, gallery.ErrCorrupt) || errors.Is(err, gallery.ErrNotFound), "byte %d: %v", at, err)
		}
		require.NoError(t, s.Close())
	}
	assert.Positive(t, refused)
}

func TestWrongKey(t *testing.T) {
	path := filled(t, 5)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	cfg := config(t, path)
	for want, keys := range map[string]*gallery.Keyring{
		`with key "one", the keyring has ["two"]`: testKeys(t, "two"),
		`key "one" of the keyring does not open`:  sameName(t),
	} {
		cfg.Keys = keys
		_, err := gallery.Open(t.Context(), cfg)
		require.ErrorIs(t, err, gallery.ErrWrongKey)
		require.ErrorContains(t, err, want)
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after), "nothing was changed")
	s := open(t, config(t, path))
	assert.Len(t, identify(t, s, "g", axis(0, 0), 10), 5)
}

// sameName returns a keyring whose key "one" is another.
func sameName(t *testing.T) *gallery.Keyring {
	k, err := gallery.NewKeyring("one", map[string][]byte{"one": bytes.Repeat([]byte{7}, 32)})
	require.NoError(t, err)
	return k
}

func TestWhatIsNoGalleryFile(t *testing.T) {
	text := filepath.Join(t.TempDir(), "notes.txt")
	require.NoError(t, os.WriteFile(text, bytes.Repeat([]byte("not a database\n"), 4000), 0o600))
	_, err := gallery.Open(t.Context(), config(t, text))
	require.ErrorIs(t, err, gallery.ErrCorrupt)
	other := filepath.Join(t.TempDir(), "other.db")
	edit(t, other, "CREATE TABLE t (x)")
	_, err = gallery.Open(t.Context(), config(t, other))
	require.ErrorContains(t, err, "not a file of galleries")
	newer := filled(t, 1)
	edit(t, newer, "PRAGMA user_version = 2")
	_, err = gallery.Open(t.Context(), config(t, newer))
	require.ErrorContains(t, err, "version 2, this program knows 1")
	_, err = gallery.Open(t.Context(), config(t, t.TempDir()))
	require.ErrorIs(t, err, gallery.ErrInvalid)
}

func TestReadOnly(t *testing.T) {
	_, err := gallery.Open(t.Context(), config(t, filepath.Join(t.TempDir(), "absent", "g.db")))
	require.ErrorIs(t, err, gallery.ErrReadOnly)
	if runtime.GOOS == "linux" {
		_, err = gallery.Open(t.Context(), config(t, "/proc/self/g.db")) // refused to the administrator too
		require.ErrorIs(t, err, gallery.ErrReadOnly)
		require.ErrorContains(t, err, "/proc/self/g.db")
	}
	if os.Geteuid() == 0 {
		t.Skip("the administrator may write to folders that forbid it")
	}
	path := filled(t, 1)
	require.NoError(t, os.Chmod(path, 0o400))
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o500))
	defer os.Chmod(filepath.Dir(path), 0o700)
	_, err = gallery.Open(t.Context(), config(t, path))
	require.ErrorIs(t, err, gallery.ErrReadOnly)
}

// TestFull fills a file to its greatest size. Nothing that was acknowledged is lost, and removing makes room.
func TestFull(t *testing.T) {
	path := newFile(t)
	cfg := config(t, path)
	cfg.Limits.FileBytes = 20 * 16384
	s := open(t, cfg)
	create(t, s, "g")
	var in []string
	rng := rand.New(rand.NewPCG(2, 3))
	labels := map[string]string{}
	for i := range 20 {
		labels[fmt.Sprint(i)] = strings.Repeat("x", 250)
	}
	put := func(id string) error {
		_, err := s.Enrol(t.Context(), "g", gallery.EnrolRecord{Person: id, Labels: labels, Model: model, Template: unit(rng)})
		return err
	}
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		if err = put(fmt.Sprint("p", i)); err == nil {
			in = append(in, fmt.Sprint("p", i))
		}
	}
	require.ErrorIs(t, err, gallery.ErrFull)
	require.ErrorContains(t, err, path)
	require.Greater(t, len(in), 10)
	require.Len(t, identify(t, s, "g", axis(0, 0), 1000), len(in))
	for _, id := range in[:5] {
		_, err := s.Remove(t.Context(), "g", id)
		require.NoError(t, err)
	}
	require.NoError(t, put("late"))
	require.NoError(t, s.Close())
	s = open(t, cfg)
	require.Len(t, identify(t, s, "g", axis(0, 0), 1000), len(in)-4)
}

// bytesOfFile returns all that the store has on the disk.
func bytesOfFile(t *testing.T, path string) []byte {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		all = append(all, b...)
	}
	return all
}

// TestNothingOfAPersonIsReadable looks for ids, labels, purposes and templates in the file's bytes.
func TestNothingOfAPersonIsReadable(t *testing.T) {
	path := newFile(t)
	s := open(t, config(t, path))
	create(t, s, "g")
	template := axis(2, 33)
	_, err := s.Enrol(t.Context(), "g", gallery.EnrolRecord{
		Person: "zhang-wei-1980", Labels: map[string]string{"department": "civil-court-5"}, Model: model, Template: template, Purpose: "purpose-gate-7", Consent: "consent-4711",
	})
	require.NoError(t, err)
	look := func() {
		t.Helper()
		all := bytesOfFile(t, path)
		require.True(t, bytes.Contains(all, []byte("templates_person")), "the bytes are the file's")
		for _, secret := range []string{"zhang", "department", "civil", "purpose-gate", "consent-4711"} {
			assert.False(t, bytes.Contains(all, []byte(secret)), secret)
		}
		pair := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, math.Float32bits(template[2])), math.Float32bits(template[3]))
		assert.False(t, bytes.Contains(all, pair), "the template")
		assert.False(t, bytes.Contains(all, []byte("key for tests")), "the key")
	}
	look()
	require.NoError(t, s.Close())
	look()
}

// sealedOf reads the encrypted records of a closed file.
func sealedOf(t *testing.T, path, query string) (all [][]byte) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	rows, err := db.Query(query)
	require.NoError(t, err)
	for rows.Next() {
		var b []byte
		require.NoError(t, rows.Scan(&b))
		all = append(all, b)
	}
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
	require.NoError(t, db.Close())
	require.NotEmpty(t, all)
	return all
}

// TestRemovedBytesAreGone removes persons in random order and looks for any piece of their encrypted records in the file and
// its log: after each removal, not only at the end, and without closing the store.
func TestRemovedBytesAreGone(t *testing.T) {
	path := newFile(t)
	s := open(t, config(t, path))
	create(t, s, "g")
	rng := rand.New(rand.NewPCG(6, 6))
	const persons = 300
	records := map[int][][]byte{}
	for i := range persons {
		for range 1 + rng.IntN(3) {
			labels := map[string]string{}
			for k := range rng.IntN(32) {
				labels[fmt.Sprint(k)] = strings.Repeat("x", rng.IntN(250))
			}
			_, err := s.Enrol(t.Context(), "g", gallery.EnrolRecord{Person: fmt.Sprint("p", i), Model: model, Template: unit(rng), Labels: labels})
			require.NoError(t, err)
		}
	}
	require.NoError(t, s.Close())
	for i := range persons {
		// Numbers are given in the order of enrolment.
		records[i] = append(sealedOf(t, path, fmt.Sprintf("SELECT bytes FROM persons p JOIN slots s ON s.id = p.slot WHERE p.id = %d", i+1)), sealedOf(t, path, fmt.Sprintf("SELECT bytes FROM templates t JOIN slots s ON s.id = t.slot WHERE t.person = %d", i+1))...)
	}
	s = open(t, config(t, path))
	gone := map[int]bool{}
	look := func() {
		t.Helper()
		all := bytesOfFile(t, path)
		for i, sealed := range records {
			for _, b := range sealed {
				// Any 16 bytes of it: the nonce's, the middle's, the tag's.
				for _, piece := range [][]byte{b[:16], b[len(b)/2-8 : len(b)/2+8], b[len(b)-16:]} {
					if gone[i] {
						require.False(t, bytes.Contains(all, piece), "person %d of %d removed", i, len(gone))
					} else if len(gone) == 0 {
						require.True(t, bytes.Contains(all, piece), "the test finds what is there")
					}
				}
			}
		}
	}
	look()
	for n, i := range rng.Perm(persons) {
		_, err := s.Remove(t.Context(), "g", fmt.Sprint("p", i))
		require.NoError(t, err)
		gone[i] = true
		if n%30 == 0 || n == persons-1 {
			look()
		}
		if n%3 == 0 { // others come meanwhile, and move records about
			enrol(t, s, "g", fmt.Sprint("new", n), unit(rng))
		}
	}
	wal, err := os.Stat(path + "-wal")
	if err == nil {
		assert.Less(t, wal.Size(), int64(1<<20))
	}
	_, err = s.DeleteGallery(t.Context(), "g", true)
	require.NoError(t, err)
	look()
}
