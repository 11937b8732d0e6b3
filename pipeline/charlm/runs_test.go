package charlm

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is a table with these counts, made the plain way.
func counted(bits uint, of map[string]float32, v *Vocabulary) runs {
	r := runs{bits: bits, sizes: make([]byte, 1<<bits), starts: make([]uint32, 1<<bits+1)}
	type entry struct {
		hash  uint64
		value uint16
	}
	var all []entry
	for text, value := range of {
		classes, _ := v.Append(nil, nil, []rune(text))
		hash := uint64(0)
		for i := range classes {
			hash = lengthen(hash, classes[len(classes)-1-i])
		}
		all = append(all, entry{hash, uint16(value / valueStep)})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
	for _, e := range all {
		r.sizes[e.hash>>(64-bits)]++
		r.entries = append(r.entries, uint16(e.hash>>(64-bits-fingerprintBits))<<valueBits|e.value)
	}
	for i, n := range r.sizes {
		r.starts[i+1] = r.starts[i] + uint32(n)
	}
	return r
}

func TestRuns(t *testing.T) {
	m := small(t)
	text, _ := m.Vocabulary.Append(nil, nil, []rune("被告原告"))
	var got [LongestRun]float32
	require.Equal(t, 4, m.Runs(text, &got))
	assert.Equal(t, [LongestRun]float32{absent, absent, absent, absent}, got, "an empty table knows nothing")

	for _, bits := range []uint{0, 1, 3} {
		m.runs = counted(bits, map[string]float32{"告": 5, "原告": 4, "告原告": 1.5, "原": 7}, m.Vocabulary)
		require.Equal(t, 4, m.Runs(text, &got))
		assert.Equal(t, [LongestRun]float32{5, 4, 1.5, absent}, got)
		require.Equal(t, 2, m.Runs([]Class{text[0], Break, text[1]}, &got), "a run ends at a break")

		b, err := m.Encode()
		require.NoError(t, err)
		n, err := Parse(b)
		require.NoError(t, err)
		assert.Equal(t, m.runs, n.runs)
	}
}

// TestEmbeddedRuns says of running text what the recipe counted in it.
func TestEmbeddedRuns(t *testing.T) {
	m := embeddedModel(t)
	share := func(s string) float64 {
		text, _ := m.Vocabulary.Append(nil, nil, []rune(s))
		found, all := 0, 0
		var got [LongestRun]float32
		for i := range text {
			for _, v := range got[:m.Runs(text[:i+1], &got)] {
				all++
				if v != absent {
					found++
				}
			}
		}
		return float64(found) / float64(all)
	}
	assert.Greater(t, share("被告人供述和辩解、证人证言等证据证实，足以认定。"), 0.6)
	assert.Less(t, share("瘪锄浇谤揉鹊惫蹿泵楔"), 0.25, "nobody ever wrote this")
}
