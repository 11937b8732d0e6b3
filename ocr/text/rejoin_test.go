package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func flat(x, y, width, height float64) found {
	return found{box: rect{centre: vec{x + width/2, y + height/2}, along: vec{1, 0}, width: width, height: height}, score: 0.8}
}

func TestPiecesOfALineAreRejoined(t *testing.T) {
	got := rejoined([]found{flat(0, 0, 50, 10), flat(103, 1, 60, 10), flat(52, 0.5, 50, 9.5), flat(0, 30, 50, 10)})
	require.Len(t, got, 2)
	assert.InDelta(t, 163, got[0].box.width, 1e-9)
	assert.InDelta(t, 81.5, got[0].box.centre.x, 1e-9)
	assert.InDelta(t, 0.8, got[0].score, 1e-6)
	for name, other := range map[string]found{
		"a cell of a table":   flat(56, 0, 50, 10),
		"another row":         flat(51, 6, 50, 10),
		"larger print":        flat(51, -3, 50, 18),
		"a column":            flat(51, 0, 6, 60),
		"the same line twice": flat(10, 0, 30, 10),
	} {
		assert.Len(t, rejoined([]found{flat(0, 0, 50, 10), other}), 2, name)
	}
}
