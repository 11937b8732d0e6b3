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

func TestPiecesOfAColumnAreJoined(t *testing.T) {
	upper := found{box: rect{vec{100, 100}, vec{1, 0}, 20, 200}, score: 0.8}
	at := func(x, y, w, h float64) found { return found{box: rect{vec{x, y}, vec{1, 0}, w, h}, score: 0.8} }
	got := rejoined([]found{upper, at(101, 210, 10, 8), at(100, 300, 22, 150)})
	if assert.Len(t, got, 1) {
		assert.InDelta(t, 375, got[0].box.height, 1)
		assert.InDelta(t, 187.5, got[0].box.centre.y, 1)
		assert.InDelta(t, 22, got[0].box.width, 1.5)
	}
	for name, other := range map[string]found{
		"the next column":      at(126, 100, 20, 200),
		"a wide gap":           at(100, 300, 20, 150),
		"a line of a title":    at(100, 215, 90, 24),
		"one beside its foot":  at(112, 290, 20, 180),
		"a speck under it":     at(100, 206, 4, 4),
		"a slanting neighbour": {box: rect{vec{100, 260}, vec{0.9, 0.43}, 20, 110}, score: 0.8},
	} {
		assert.Len(t, rejoined([]found{upper, other}), 2, name)
	}
	assert.Len(t, rejoined([]found{at(100, 100, 20, 22), at(100, 126, 20, 22)}), 2, "cells of a single character, one above the other")
}
