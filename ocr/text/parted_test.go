package text

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPartsLinesThatGrewTogether(t *testing.T) {
	t.Run("two at one place", func(t *testing.T) {
		got := decodeDrawn(t, `
			............................
			..########################..
			..########################..
			..########################..
			............##..............
			............##..............
			..######################....
			..######################....
			..######################....
			............................`, plainDB)
		require.Len(t, got, 2)
		for i, middle := range [2]float64{2.5, 7.5} {
			assert.InDelta(t, middle, got[i].box.centre.y, 1.01)
			assert.Greater(t, got[i].box.width, 22.0)
		}
	})
	t.Run("three, the last a short one", func(t *testing.T) {
		assert.Len(t, decodeDrawn(t, `
			##############################
			##############################
			##............................
			##############################
			##############################
			.#............................
			.###########..................
			.###########..................`, plainDB), 3)
	})
	t.Run("columns", func(t *testing.T) {
		assert.Len(t, decodeDrawn(t, `
			##...##
			##...##
			##...##
			##...##
			#######
			##...##
			##...##
			##...##
			##...##
			##...##`, plainDB), 2)
	})
	t.Run("one that bends stays one", func(t *testing.T) {
		assert.Len(t, decodeDrawn(t, `
			##############................
			##############................
			.............##...............
			.............##...............
			..............################
			..............################`, plainDB), 1)
	})
	t.Run("one with a thin middle stays one", func(t *testing.T) {
		assert.Len(t, decodeDrawn(t, `
			##############################
			###############.......########
			##############################`, plainDB), 1)
	})
}

// Where lines grew together along their length the gap between them is still less probable than they are.
func TestPartsHighCoresByTheirProbability(t *testing.T) {
	page := `
		##############################
		##############################
		..............................
		##############################
		##############################
		..............................
		##############################
		##############################
		++++++++++++++++++++++++++++++
		++++++++++++++++++++++++++++++
		##############################
		##############################`
	require.Len(t, decodeDrawn(t, page, plainDB), 4)
	one := decodeDrawn(t, strings.ReplaceAll(page, "+", "#"), plainDB)
	assert.Len(t, one, 3, "what is probable all over is one line")
}
