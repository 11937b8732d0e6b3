package gallery_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gallery/search"
)

// kept is what a person should be.
type kept struct {
	labels    map[string]string
	templates [][]float32
	enrolled  time.Time
}

// TestStoreAgainstAMap does random things to a store and to a map, closes and opens the store with and without other keys in
// between, and wants the same answers.
func TestStoreAgainstAMap(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of files")
	}
	const retention = 48 * time.Hour
	folder, file := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		file++
		var c clock
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		cfg := gallery.Config{
			Path: filepath.Join(folder, fmt.Sprint(file)), Keys: testKeys(t, "k0"), Logger: quiet(), Now: c.now, Limits: gallery.Limits{TemplatesPerPerson: 3},
		}
		s, err := gallery.Open(t.Context(), cfg)
		require.NoError(rt, err)
		defer func() { require.NoError(rt, s.Close()) }()
		want := map[string]map[string]*kept{}
		generation := 0
		alive := func(name, person string) *kept {
			k := want[name][person]
			if k != nil && name == "expiring" && !c.now().Before(k.enrolled.Add(retention)) {
				return nil // it is in no answer, and in the file until it is expired
			}
			return k
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			name := rapid.SampledFrom([]string{"a", "expiring"}).Draw(rt, "gallery")
			person := fmt.Sprint("p", rapid.IntRange(0, 5).Draw(rt, "person"))
			switch action := rapid.IntRange(0, 13).Draw(rt, "action"); action {
			case 0: // create
				spec := gallery.GallerySpec{Name: name, Model: model}
				if name == "expiring" {
					spec.Retention = retention
				}
				_, err := s.CreateGallery(t.Context(), spec)
				if want[name] != nil {
					require.ErrorIs(rt, err, gallery.ErrExists)
				} else {
					require.NoError(rt, err)
					want[name] = map[string]*kept{}
				}
			case 1, 2, 3, 4: // enrol
				r := gallery.EnrolRecord{Person: person, Model: model, Template: unit(rng), Labels: map[string]string{fmt.Sprint(rng.IntN(3)): fmt.Sprint(rng.IntN(9))}}
				_, err := s.Enrol(t.Context(), name, r)
				k := alive(name, person)
				switch {
				case want[name] == nil:
					require.ErrorIs(rt, err, gallery.ErrNotFound)
				case k != nil && len(k.templates) == 3:
					require.ErrorIs(rt, err, gallery.ErrLimit)
				default:
					require.NoError(rt, err)
					if k == nil {
						k = &kept{labels: map[string]string{}}
						want[name][person] = k
					}
					maps.Copy(k.labels, r.Labels)
					k.templates, k.enrolled = append(k.templates, r.Template), c.now()
				}
			case 5, 6: // remove
				receipt, err := s.Remove(t.Context(), name, person)
				if k := want[name][person]; k != nil {
					require.NoError(rt, err)
					require.Equal(rt, len(k.templates), receipt.Templates)
					require.NoError(rt, s.Verify(receipt))
					delete(want[name], person)
				} else {
					require.ErrorIs(rt, err, gallery.ErrNotFound)
				}
			case 7: // expire
				_, err := s.Expire(t.Context())
				require.NoError(rt, err)
				for person := range want["expiring"] {
					if alive("expiring", person) == nil {
						delete(want["expiring"], person)
					}
				}
			case 8:
				c.pass(time.Duration(rng.IntN(30)) * time.Hour)
			case 9: // open anew
				require.NoError(rt, s.Close())
				s, err = gallery.Open(t.Context(), cfg)
				require.NoError(rt, err)
			case 10: // rotate
				require.NoError(rt, s.Close())
				generation++
				now, before := fmt.Sprint("k", generation), fmt.Sprint("k", generation-1)
				cfg.Keys = testKeys(t, now, before)
				s, err = gallery.Open(t.Context(), cfg)
				require.NoError(rt, err)
				_, err = s.Rotate(t.Context())
				require.NoError(rt, err)
				cfg.Keys = testKeys(t, now)
			case 11: // delete the gallery
				if rng.IntN(4) > 0 {
					continue
				}
				_, err := s.DeleteGallery(t.Context(), name, true)
				require.Equal(rt, want[name] != nil, err == nil)
				delete(want, name)
			default: // look
				if want[name] == nil {
					continue
				}
				query := unit(rng)
				got, err := s.Identify(t.Context(), name, gallery.Probe{Model: model, Template: query}, 100)
				require.NoError(rt, err)
				scores := map[string]float64{}
				for person := range want[name] {
					if k := alive(name, person); k != nil {
						scores[person] = -1
						for _, v := range k.templates {
							scores[person] = max(scores[person], search.Cosine(query, v))
						}
					}
				}
				require.Len(rt, got, len(scores))
				require.True(rt, slices.IsSortedFunc(got, func(a, b gallery.Candidate) int { return int(1e9 * (b.Cosine - a.Cosine)) }))
				for _, found := range got {
					require.InDelta(rt, scores[found.Person.ID], found.Cosine, 1e-6)
					require.Equal(rt, want[name][found.Person.ID].labels, found.Person.Labels)
					require.Equal(rt, len(want[name][found.Person.ID].templates), found.Person.Templates)
				}
			}
		}
	})
}
