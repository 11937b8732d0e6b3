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

// A stamp's rim that crosses lines sticks out of their cores.
func TestTakesOffWhatSticksOut(t *testing.T) {
	const plain = `
		........................................
		########################################
		########################################
		........................................`
	got := decodeDrawn(t, plain+`
		..................###...................
		.................###....................
		########################################
		########################################
		....####................................
		.....###................................`+plain, plainDB)
	require.Len(t, got, 3)
	for i, y := range []float64{2, 7, 12} {
		assert.InDelta(t, y, got[i].box.centre.y, 0.01)
		assert.InDelta(t, got[0].box.height, got[i].box.height, 0.01)
		assert.InDelta(t, got[0].box.width, got[i].box.width, 0.01)
	}
	large := decodeDrawn(t, plain+`
		########################################
		########################################
		########################################
		########################################`+plain, plainDB)
	require.Len(t, large, 3)
	assert.Greater(t, large[1].box.height, 1.5*large[0].box.height, "a line of larger letters stays as high")
}

// Numbers below each other may grow together as if they were a column of vertical writing.
func TestPartsEntriesOfAColumn(t *testing.T) {
	const plain = `
		..............................
		##############################
		##############################
		..............................`
	column := `
		....####......................
		....####......................
		.....++.......................
		.....++.......................
		....++++......................
		....####......................
		....####......................
		.....++.......................`
	got := decodeDrawn(t, plain+column+plain, plainDB)
	require.Len(t, got, 4)
	for i, y := range []float64{2, 5, 10, 14} {
		assert.InDelta(t, y, got[i].box.centre.y, 0.01)
	}
	for name, other := range map[string]string{
		"vertical writing":         strings.ReplaceAll(column, "+", "#"),
		"of characters, as square": strings.ReplaceAll(column, "####", ".##."),
	} {
		assert.Len(t, decodeDrawn(t, plain+other+plain, plainDB), 3, name)
	}
	assert.Len(t, decodeDrawn(t, column, plainDB), 1, "without lines that tell how high one is")
}
