package gallery_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/vision/gallery"
)

func TestMain(m *testing.M) {
	if crashing() {
		return
	}
	goleak.VerifyTestMain(m)
}

const dimensions = 8

var model = gallery.ModelRef{ID: "test-embedding", SHA256: strings.Repeat("ab", 32), Dimensions: dimensions}

// clock is a time that tests move.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1_700_000_000+c.seconds.Load(), 0) }

func (c *clock) pass(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

func testKeys(tb testing.TB, ids ...string) *gallery.Keyring {
	tb.Helper()
	keys := map[string][]byte{}
	for _, id := range ids {
		key := make([]byte, 32)
		copy(key, "key for tests "+id)
		keys[id] = key
	}
	k, err := gallery.NewKeyring(ids[0], keys)
	require.NoError(tb, err)
	return k
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func config(tb testing.TB, path string) gallery.Config {
	return gallery.Config{Path: path, Keys: testKeys(tb, "one"), Logger: quiet()}
}

func open(tb testing.TB, cfg gallery.Config) *gallery.Store {
	tb.Helper()
	s, err := gallery.Open(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

func newFile(tb testing.TB) string { return filepath.Join(tb.TempDir(), "galleries.db") }

func create(tb testing.TB, s *gallery.Store, name string) {
	tb.Helper()
	_, err := s.CreateGallery(tb.Context(), gallery.GallerySpec{Name: name, Model: model})
	require.NoError(tb, err)
}

func unit(rng *rand.Rand) []float32 {
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(rng.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// axis returns the unit vector along one dimension, turned by an angle towards the next.
func axis(i int, degrees float64) []float32 {
	v := make([]float32, dimensions)
	v[i], v[i+1] = float32(math.Cos(degrees*math.Pi/180)), float32(math.Sin(degrees*math.Pi/180))
	return v
}

func enrol(tb testing.TB, s *gallery.Store, name, person string, template []float32) gallery.Enrolled {
	tb.Helper()
	e, err := s.Enrol(tb.Context(), name, gallery.EnrolRecord{Person: person, Model: model, Template: template, Purpose: "test"})
	require.NoError(tb, err)
	return e
}

func identify(tb testing.TB, s *gallery.Store, name string, template []float32, k int) []gallery.Candidate {
	tb.Helper()
	found, err := s.Identify(tb.Context(), name, gallery.Probe{Model: model, Template: template}, k)
	require.NoError(tb, err)
	return found
}

func ids(found []gallery.Candidate) []string {
	var all []string
	for _, c := range found {
		all = append(all, c.Person.ID)
	}
	return all
}

func TestGalleryFromCreationToDeletion(t *testing.T) {
	path := newFile(t)
	s := open(t, config(t, path))
	ctx := t.Context()

	spec := gallery.GallerySpec{Name: "judges", DisplayName: "法官", Model: model}
	g, err := s.CreateGallery(ctx, spec)
	require.NoError(t, err)
	assert.Equal(t, spec, g.GallerySpec)
	_, err = s.CreateGallery(ctx, spec)
	require.ErrorIs(t, err, gallery.ErrExists)

	assert.Empty(t, identify(t, s, "judges", axis(0, 0), 5))
	e, err := s.Enrol(ctx, "judges", gallery.EnrolRecord{
		Person: "li.lei", Labels: map[string]string{"zone": "3", "角色": "法官"}, Model: model, Template: axis(0, 0), Purpose: "registration", Consent: "c-1", Quality: 80,
	})
	require.NoError(t, err)
	assert.Equal(t, 1, e.Person.Templates)
	// A further template; labels of other keys stay.
	e, err = s.Enrol(ctx, "judges", gallery.EnrolRecord{Person: "li.lei", Labels: map[string]string{"zone": "4"}, Model: model, Template: axis(3, 0)})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"zone": "4", "角色": "法官"}, e.Person.Labels)
	assert.Equal(t, 2, e.Person.Templates)
	enrol(t, s, "judges", "han.meimei", axis(0, 30))
	enrol(t, s, "judges", "third", axis(5, 0))

	check := func() {
		t.Helper()
		found := identify(t, s, "judges", axis(0, 5), 2)
		require.Equal(t, []string{"li.lei", "han.meimei"}, ids(found))
		assert.InDelta(t, math.Cos(5*math.Pi/180), found[0].Cosine, 1e-6)
		assert.InDelta(t, math.Cos(25*math.Pi/180), found[1].Cosine, 1e-6)
		assert.Equal(t, "法官", found[0].Person.Labels["角色"])
		assert.Equal(t, "li.lei", identify(t, s, "judges", axis(3, 3), 1)[0].Person.ID, "by the second template")
		assert.Len(t, identify(t, s, "judges", axis(0, 0), 1000), 3, "each person once")
		g, err := s.Gallery(ctx, "judges")
		require.NoError(t, err)
		assert.Equal(t, spec, g.GallerySpec)
		assert.Equal(t, 3, g.Persons)
		assert.Equal(t, 4, g.Templates)
		report, err := s.Check(ctx, "judges")
		require.NoError(t, err)
		assert.Equal(t, gallery.Report{Persons: 3, Templates: 4}, report)
	}
	check()
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err = s.Gallery(ctx, "judges")
	require.ErrorIs(t, err, gallery.ErrClosed)
	_, err = s.Remove(ctx, "judges", "third")
	require.ErrorIs(t, err, gallery.ErrClosed)

	s = open(t, config(t, path))
	check()
	receipt, err := s.Remove(ctx, "judges", "li.lei")
	require.NoError(t, err)
	assert.Equal(t, 2, receipt.Templates)
	assert.Equal(t, 1, receipt.Persons)
	assert.Equal(t, []string{"han.meimei"}, ids(identify(t, s, "judges", axis(0, 0), 1)))
	_, err = s.Person(ctx, "judges", "li.lei")
	require.ErrorIs(t, err, gallery.ErrNotFound)
	_, err = s.Remove(ctx, "judges", "li.lei")
	require.ErrorIs(t, err, gallery.ErrNotFound)
	// The id may be used anew, and nothing of before comes back.
	again := enrol(t, s, "judges", "li.lei", axis(6, 0))
	assert.Empty(t, again.Person.Labels)

	_, err = s.DeleteGallery(ctx, "judges", false)
	require.ErrorIs(t, err, gallery.ErrNotEmpty)
	whole, err := s.DeleteGallery(ctx, "judges", true)
	require.NoError(t, err)
	assert.Equal(t, 3, whole.Persons)
	assert.Equal(t, 3, whole.Templates)
	_, err = s.Gallery(ctx, "judges")
	require.ErrorIs(t, err, gallery.ErrNotFound)
	create(t, s, "judges")
	assert.Empty(t, identify(t, s, "judges", axis(0, 0), 5))

	for _, r := range []gallery.Receipt{receipt, whole} {
		require.NoError(t, s.Verify(r))
		assert.Len(t, r.RecordsSHA256, 64)
		for name, change := range map[string]func(*gallery.Receipt){
			"templates": func(r *gallery.Receipt) { r.Templates++ },
			"person":    func(r *gallery.Receipt) { r.Person += "x" },
			"gallery":   func(r *gallery.Receipt) { r.Gallery += "x" },
			"time":      func(r *gallery.Receipt) { r.Time = r.Time.Add(time.Second) },
			"records":   func(r *gallery.Receipt) { r.RecordsSHA256 = strings.Repeat("0", 64) },
			"signature": func(r *gallery.Receipt) { r.Signature = "" },
		} {
			forged := r
			change(&forged)
			require.ErrorIs(t, s.Verify(forged), gallery.ErrForged, name)
		}
	}
	other := open(t, config(t, newFile(t)))
	require.ErrorIs(t, other.Verify(receipt), gallery.ErrForged)
}

func TestInvalidInput(t *testing.T) {
	s := open(t, config(t, newFile(t)))
	ctx := t.Context()
	for want, change := range map[string]func(*gallery.GallerySpec){
		"name":       func(g *gallery.GallerySpec) { g.Name = "Judges" },
		"display":    func(g *gallery.GallerySpec) { g.DisplayName = strings.Repeat("字", 129) },
		"SHA-256":    func(g *gallery.GallerySpec) { g.Model.SHA256 = "ab" },
		"dimensions": func(g *gallery.GallerySpec) { g.Model.Dimensions = 4096 },
		"retention":  func(g *gallery.GallerySpec) { g.Retention = time.Minute },
	} {
		spec := gallery.GallerySpec{Name: "judges", Model: model}
		change(&spec)
		_, err := s.CreateGallery(ctx, spec)
		require.ErrorIs(t, err, gallery.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
	create(t, s, "judges")
	for want, change := range map[string]func(*gallery.EnrolRecord){
		"person id":            func(r *gallery.EnrolRecord) { r.Person = "李雷" },
		"label":                func(r *gallery.EnrolRecord) { r.Labels = map[string]string{"": "x"} },
		"purpose":              func(r *gallery.EnrolRecord) { r.Purpose = strings.Repeat("x", 129) },
		"quality":              func(r *gallery.EnrolRecord) { r.Quality = 101 },
		"threshold":            func(r *gallery.EnrolRecord) { r.DuplicateThreshold = float32(math.NaN()) },
		"7 dimensions, want 8": func(r *gallery.EnrolRecord) { r.Template = r.Template[1:] },
		"has length NaN":       func(r *gallery.EnrolRecord) { r.Template[2] = float32(math.NaN()) },
		"has length 0, want 1": func(r *gallery.EnrolRecord) { clear(r.Template) },
	} {
		r := gallery.EnrolRecord{Person: "a", Model: model, Template: axis(0, 0)}
		change(&r)
		_, err := s.Enrol(ctx, "judges", r)
		require.ErrorIs(t, err, gallery.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
	_, err := s.Enrol(ctx, "clerks", gallery.EnrolRecord{Person: "a", Model: model, Template: axis(0, 0)})
	require.ErrorIs(t, err, gallery.ErrNotFound)
	for _, other := range []gallery.ModelRef{
		{ID: "other", SHA256: model.SHA256, Dimensions: dimensions}, {ID: model.ID, SHA256: strings.Repeat("cd", 32), Dimensions: dimensions},
		{ID: model.ID, SHA256: model.SHA256, Dimensions: 4}, {},
	} {
		_, err := s.Enrol(ctx, "judges", gallery.EnrolRecord{Person: "a", Model: other, Template: axis(0, 0)})
		require.ErrorIs(t, err, gallery.ErrModelMismatch)
		_, err = s.Identify(ctx, "judges", gallery.Probe{Model: other, Template: axis(0, 0)}, 1)
		require.ErrorIs(t, err, gallery.ErrModelMismatch)
	}
	for _, k := range []int{0, -1, 1001} {
		_, err := s.Identify(ctx, "judges", gallery.Probe{Model: model, Template: axis(0, 0)}, k)
		require.ErrorIs(t, err, gallery.ErrInvalid)
	}
	_, _, err = s.ListGalleries(ctx, 1001, "")
	require.ErrorIs(t, err, gallery.ErrInvalid)
	_, _, err = s.ListPersons(ctx, "judges", 1, "!")
	require.ErrorIs(t, err, gallery.ErrInvalid)
	_, err = gallery.Open(ctx, gallery.Config{Path: "x"})
	require.ErrorIs(t, err, gallery.ErrInvalid)
}

func TestLists(t *testing.T) {
	s := open(t, config(t, newFile(t)))
	var want []string
	for i := range 7 {
		create(t, s, fmt.Sprintf("g%d", i))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 25 {
		want = append(want, fmt.Sprintf("p%02d", i))
		enrol(t, s, "g3", fmt.Sprintf("p%02d", (i*7)%25), unit(rng))
	}
	var got []string
	for token := ""; ; {
		page, next, err := s.ListPersons(t.Context(), "g3", 4, token)
		require.NoError(t, err)
		for _, p := range page {
			got = append(got, p.ID)
		}
		if token = next; token == "" {
			break
		}
		require.Len(t, page, 4)
	}
	assert.Equal(t, want, got)
	all, next, err := s.ListPersons(t.Context(), "g3", 25, "")
	require.NoError(t, err)
	assert.Len(t, all, 25)
	assert.Empty(t, next)

	var names []string
	for token := ""; ; {
		page, next, err := s.ListGalleries(t.Context(), 3, token)
		require.NoError(t, err)
		for _, g := range page {
			names = append(names, g.Name)
		}
		if token = next; token == "" {
			break
		}
	}
	assert.Equal(t, []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6"}, names)
}

func TestDuplicates(t *testing.T) {
	s := open(t, config(t, newFile(t)))
	create(t, s, "g")
	enrol(t, s, "g", "a", axis(0, 0))
	enrol(t, s, "g", "b", axis(0, 20))
	r := gallery.EnrolRecord{Person: "c", Model: model, Template: axis(0, 5), DuplicateThreshold: 0.95, RefuseDuplicates: true}
	_, err := s.Enrol(t.Context(), "g", r)
	var duplicate *gallery.DuplicateError
	require.ErrorAs(t, err, &duplicate)
	require.ErrorIs(t, err, gallery.ErrDuplicate)
	assert.Equal(t, []string{"a", "b"}, ids(duplicate.Candidates))
	assert.InDelta(t, math.Cos(15*math.Pi/180), duplicate.Candidates[1].Cosine, 1e-6)
	_, err = s.Person(t.Context(), "g", "c")
	require.ErrorIs(t, err, gallery.ErrNotFound, "nothing was enrolled")

	r.RefuseDuplicates = false
	e, err := s.Enrol(t.Context(), "g", r)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, ids(e.Duplicates))
	r.Template, r.RefuseDuplicates = axis(0, 6), true
	r.Person = "a" // a person is no duplicate of themselves, but c is one of theirs
	_, err = s.Enrol(t.Context(), "g", r)
	require.ErrorAs(t, err, &duplicate)
	assert.Equal(t, []string{"c", "b"}, ids(duplicate.Candidates))
	r.DuplicateThreshold = 0.999
	_, err = s.Enrol(t.Context(), "g", r)
	require.ErrorAs(t, err, &duplicate)
	_, err = s.Remove(t.Context(), "g", "c")
	require.NoError(t, err)
	_, err = s.Enrol(t.Context(), "g", r)
	require.NoError(t, err)
}

// TestDuplicatesAtTheSameTime enrols one face under many ids at once: all but one are refused.
func TestDuplicatesAtTheSameTime(t *testing.T) {
	s := open(t, config(t, newFile(t)))
	create(t, s, "g")
	for round := range 5 {
		var wg sync.WaitGroup
		var in, out atomic.Int32
		for i := range 20 {
			wg.Go(func() {
				_, err := s.Enrol(t.Context(), "g", gallery.EnrolRecord{
					Person: fmt.Sprintf("p%d-%d", round, i), Model: model, Template: axis(round, float64(i)/100), DuplicateThreshold: 0.9, RefuseDuplicates: true,
				})
				if err == nil {
					in.Add(1)
				} else if assert.ErrorIs(t, err, gallery.ErrDuplicate) {
					out.Add(1)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, in.Load())
		assert.EqualValues(t, 19, out.Load())
	}
}

func TestLimits(t *testing.T) {
	cfg := config(t, newFile(t))
	cfg.Limits = gallery.Limits{Persons: 5, TemplatesPerPerson: 2}
	s := open(t, cfg)
	create(t, s, "g")
	_, err := s.CreateGallery(t.Context(), gallery.GallerySpec{Name: "small", Model: model, MaxPersons: 1})
	require.NoError(t, err)
	var wg sync.WaitGroup
	var full atomic.Int32
	for i := range 12 {
		wg.Go(func() {
			_, err := s.Enrol(t.Context(), "g", gallery.EnrolRecord{Person: fmt.Sprint("p", i), Model: model, Template: axis(0, float64(i))})
			if err != nil && assert.ErrorIs(t, err, gallery.ErrLimit) {
				full.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 7, full.Load())
	enrol(t, s, "small", "a", axis(0, 0))
	enrol(t, s, "small", "a", axis(0, 1))
	_, err = s.Enrol(t.Context(), "small", gallery.EnrolRecord{Person: "a", Model: model, Template: axis(0, 2)})
	require.ErrorIs(t, err, gallery.ErrLimit)
	_, err = s.Enrol(t.Context(), "small", gallery.EnrolRecord{Person: "b", Model: model, Template: axis(0, 2)})
	require.ErrorIs(t, err, gallery.ErrLimit)
	labels := map[string]string{}
	for i := range 32 {
		labels[fmt.Sprint(i)] = "x"
	}
	_, err = s.Remove(t.Context(), "small", "a")
	require.NoError(t, err)
	_, err = s.Enrol(t.Context(), "small", gallery.EnrolRecord{Person: "a", Labels: labels, Model: model, Template: axis(0, 2)})
	require.NoError(t, err)
	_, err = s.Enrol(t.Context(), "small", gallery.EnrolRecord{Person: "a", Labels: map[string]string{"one more": ""}, Model: model, Template: axis(0, 2)})
	require.ErrorIs(t, err, gallery.ErrInvalid)
}

func TestRetention(t *testing.T) {
	var c clock
	cfg := config(t, newFile(t))
	cfg.Now = c.now
	s := open(t, cfg)
	_, err := s.CreateGallery(t.Context(), gallery.GallerySpec{Name: "visitors", Model: model, Retention: 24 * time.Hour})
	require.NoError(t, err)
	create(t, s, "staff")
	enrol(t, s, "staff", "forever", axis(0, 0))
	old := enrol(t, s, "visitors", "old", axis(0, 0))
	assert.Equal(t, c.now().Add(24*time.Hour).UTC(), old.Person.Expires)
	enrol(t, s, "visitors", "again", axis(1, 0))
	c.pass(20 * time.Hour)
	enrol(t, s, "visitors", "again", axis(1, 10)) // begins anew
	enrol(t, s, "visitors", "new", axis(2, 0))
	c.pass(4 * time.Hour)

	// Before anything was deleted, "old" is in no answer.
	assert.Equal(t, []string{"again", "new"}, ids(identify(t, s, "visitors", axis(1, 0), 9)))
	_, err = s.Person(t.Context(), "visitors", "old")
	require.ErrorIs(t, err, gallery.ErrNotFound)
	page, _, err := s.ListPersons(t.Context(), "visitors", 9, "")
	require.NoError(t, err)
	assert.Len(t, page, 2)

	require.NoError(t, s.Close())
	s = open(t, cfg) // it is not in memory yet
	receipts, err := s.Expire(t.Context())
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	assert.Equal(t, "old", receipts[0].Person)
	require.NoError(t, s.Verify(receipts[0]))
	g, err := s.Gallery(t.Context(), "visitors")
	require.NoError(t, err)
	assert.Equal(t, 2, g.Persons)
	assert.Equal(t, 3, g.Templates)

	c.pass(30 * 24 * time.Hour)
	// Who comes back after the time is a new person, without what was to be deleted.
	back := enrol(t, s, "visitors", "new", axis(3, 0))
	assert.Equal(t, 1, back.Person.Templates)
	assert.Equal(t, c.now().UTC(), back.Person.Created)

	// The loop does the rest.
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { s.Retain(ctx, time.Millisecond) })
	require.Eventually(t, func() bool {
		g, err := s.Gallery(t.Context(), "visitors")
		return err == nil && g.Persons == 1
	}, time.Minute, time.Millisecond)
	cancel()
	loop.Wait()
	assert.Equal(t, []string{"new"}, ids(identify(t, s, "visitors", axis(3, 0), 9)))
	assert.Len(t, identify(t, s, "staff", axis(0, 0), 9), 1)
}

// TestConcurrentUse enrols, searches and removes at once: what a call was acknowledged, the next search sees.
func TestConcurrentUse(t *testing.T) {
	s := open(t, config(t, newFile(t)))
	create(t, s, "g")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(9, uint64(w)))
			for i := range 20 {
				person, v := fmt.Sprintf("%d-%d", w, i), unit(rng)
				_, err := s.Enrol(t.Context(), "g", gallery.EnrolRecord{Person: person, Model: model, Template: v})
				if !assert.NoError(t, err) {
					return
				}
				found, err := s.Identify(t.Context(), "g", gallery.Probe{Model: model, Template: v}, 1)
				if !assert.NoError(t, err) || !assert.Equal(t, []string{person}, ids(found)) {
					return
				}
				if i%2 == 0 {
					continue
				}
				_, err = s.Remove(t.Context(), "g", person)
				if !assert.NoError(t, err) {
					return
				}
				found, err = s.Identify(t.Context(), "g", gallery.Probe{Model: model, Template: v}, 3)
				if !assert.NoError(t, err) || !assert.NotContains(t, ids(found), person) {
					return
				}
			}
		})
	}
	wg.Wait()
	report, err := s.Check(t.Context(), "g")
	require.NoError(t, err)
	assert.Equal(t, gallery.Report{Persons: 80, Templates: 80}, report)
}

func TestCallsThatEndEarly(t *testing.T) {
	s := open(t, config(t, newFile(t)))
	create(t, s, "g")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Enrol(ctx, "g", gallery.EnrolRecord{Person: "a", Model: model, Template: axis(0, 0)})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Remove(ctx, "g", "a")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Rotate(ctx)
	require.ErrorIs(t, err, context.Canceled)
	g, err := s.Gallery(t.Context(), "g")
	require.NoError(t, err)
	assert.Zero(t, g.Persons)
}

func TestLogsNameNobody(t *testing.T) {
	var text strings.Builder
	cfg := config(t, newFile(t))
	cfg.Logger = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var c clock
	cfg.Now = c.now
	s := open(t, cfg)
	_, err := s.CreateGallery(t.Context(), gallery.GallerySpec{Name: "g", Model: model, Retention: time.Hour})
	require.NoError(t, err)
	enrol(t, s, "g", "wang-fang", axis(0, 0))
	c.pass(2 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { s.Retain(ctx, time.Hour) })
	require.Eventually(t, func() bool {
		g, err := s.Gallery(t.Context(), "g")
		return err == nil && g.Persons == 0
	}, time.Minute, time.Millisecond)
	cancel()
	loop.Wait()
	require.NoError(t, s.Close())
	assert.Contains(t, text.String(), "persons=1")
	assert.NotContains(t, text.String(), "wang-fang")
	for _, key := range []string{"key for tests one", base64.StdEncoding.EncodeToString([]byte("key for tests"))} {
		assert.NotContains(t, text.String()+fmt.Sprintf("%v %+v %#v %s", cfg.Keys, cfg.Keys, cfg.Keys, cfg.Keys), key)
	}
}
