package gallery

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func TestRecordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 60, 200)
		seconds := rapid.Int64Range(1, maxTime)
		p := personRecord{
			id: rapid.StringMatching(`[A-Za-z0-9._-]{1,64}`).Draw(t, "id"), created: at(seconds.Draw(t, "created")), enrolled: at(seconds.Draw(t, "enrolled")),
		}
		if labels := rapid.MapOfN(rapid.StringN(1, 60, 200), text, 0, maxLabels).Draw(t, "labels"); len(labels) > 0 {
			p.labels = labels
		}
		got, err := parsePerson(p.encode())
		require.NoError(t, err)
		require.Equal(t, p, got)

		v := templateRecord{
			created: at(seconds.Draw(t, "created")), quality: rapid.IntRange(0, 100).Draw(t, "quality"),
			purpose: text.Draw(t, "purpose"), consent: text.Draw(t, "consent"), vector: make([]float32, rapid.IntRange(1, 600).Draw(t, "dimensions")),
		}
		v.vector[len(v.vector)/2] = -1
		back, err := parseTemplate(v.encode(), len(v.vector))
		require.NoError(t, err)
		require.Equal(t, v, back)

		m := manifest{
			spec: GallerySpec{
				Name: "g", DisplayName: text.Draw(t, "title"), Model: ModelRef{ID: "m", SHA256: strings.Repeat("0f", 32), Dimensions: rapid.IntRange(1, maxDimensions).Draw(t, "dimensions")},
				Retention: minRetention * time.Duration(rapid.IntRange(0, 1000).Draw(t, "retention")), MaxPersons: rapid.IntRange(0, math.MaxInt).Draw(t, "most"),
			},
			created: at(seconds.Draw(t, "created")), persons: rapid.IntRange(0, math.MaxInt).Draw(t, "persons"), templates: rapid.IntRange(0, math.MaxInt).Draw(t, "templates"),
			setKey: rapid.SliceOfN(rapid.Byte(), keyBytes, keyBytes).Draw(t, "key"),
		}
		copy(m.set[:], m.setKey)
		same, err := parseManifest("g", m.encode())
		require.NoError(t, err)
		require.Equal(t, m, same)
	})
}

func TestRecordsOfOtherVersionsAreRefused(t *testing.T) {
	b := personRecord{id: "a", created: at(1), enrolled: at(1)}.encode()
	b[0] = recordVersion + 1
	_, err := parsePerson(b)
	require.ErrorContains(t, err, "version 2, this program knows 1")
	for n := range b {
		_, err := parsePerson(b[:n])
		require.ErrorIs(t, err, errRecord)
	}
}

func TestAssociatedDataIsUnambiguous(t *testing.T) {
	seen := map[string][]any{}
	for _, fields := range [][]any{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {int64(1)}, {"", int64(1)}, {[]byte("x"), int64(1), int64(2)}, {[]byte("x"), int64(2), int64(1)}} {
		key := string(contextOf("x", fields...))
		assert.NotContains(t, seen, key)
		seen[key] = fields
	}
}

// FuzzRecord parses what was decrypted. Only somebody with the key can write such bytes, or a program with a fault.
func FuzzRecord(f *testing.F) {
	f.Add(personRecord{id: "a", labels: map[string]string{"zone": "3"}, created: at(1), enrolled: at(2)}.encode())
	f.Add(templateRecord{created: at(1), purpose: "gate", vector: []float32{0.6, 0.8}}.encode())
	f.Add(manifest{spec: GallerySpec{Name: "g", Model: ModelRef{ID: "m", SHA256: strings.Repeat("0f", 32), Dimensions: 2}}, created: at(1), setKey: make([]byte, keyBytes)}.encode())
	f.Add([]byte{recordVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parsePerson(b); err == nil {
			again, err := parsePerson(p.encode())
			require.NoError(t, err)
			require.Equal(t, p, again)
		}
		if v, err := parseTemplate(b, 2); err == nil {
			require.Len(t, v.vector, 2)
		}
		if m, err := parseManifest("g", b); err == nil {
			require.NoError(t, m.spec.validate())
		}
	})
}
