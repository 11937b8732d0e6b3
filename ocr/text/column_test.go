package text

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRankedIsWhatSortingBringsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(0, 40).Draw(t, "value")) }), 1, 200).Draw(t, "values")
		k := rapid.IntRange(0, len(v)-1).Draw(t, "place")
		sorted := slices.Sorted(slices.Values(v))
		if got := ranked(v, k); got != sorted[k] {
			t.Fatalf("%v, want %v", got, sorted[k])
		}
		if k > 0 && slices.Max(v[:k]) > v[k] {
			t.Fatalf("greater ones stand before place %d: %v", k, v)
		}
	})
}
