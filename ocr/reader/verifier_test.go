package reader

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/text"
)

func TestVerifierTakesTheDirectionThatReadsBest(t *testing.T) {
	page := paper(300, 300, ocr.Box{X: 20, Y: 20, W: 200, H: 20}, ocr.Box{X: 20, Y: 60, W: 180, H: 20}, ocr.Box{X: 20, Y: 100, W: 40, H: 20})
	// A line reads well when its first corner is the box's bottom right one: the page stands on its head.
	s := &stages{confidence: func(g text.Region) float32 {
		if b := g.Polygon.Bounds(); g.Polygon[0] == (ocr.Point{X: b.X + b.W, Y: b.Y + b.H}) {
			return 0.9
		}
		return 0.3
	}}
	v, err := NewVerifier(s, s)
	require.NoError(t, err)
	best, confidence, err := v.Verify(background, page, []int{0, 180})
	require.NoError(t, err)
	assert.Equal(t, 180, best)
	assert.InDelta(t, 0.875, confidence, 1e-6)
	assert.True(t, s.options.AsGiven)
	best, confidence, err = v.Verify(background, page, nil)
	require.NoError(t, err)
	assert.Equal(t, 180, best)
	assert.InDelta(t, 0.7, confidence, 1e-6)

	best, confidence, err = v.Verify(background, paper(50, 50), []int{270, 90})
	require.NoError(t, err)
	assert.Equal(t, 270, best)
	assert.Zero(t, confidence, "nothing to read")
	s.confidence = func(text.Region) float32 { return 0 }
	_, confidence, err = v.Verify(background, page, nil)
	require.NoError(t, err)
	assert.Zero(t, confidence)

	_, _, err = v.Verify(background, page, []int{45})
	require.ErrorContains(t, err, "45")
	s.err = map[string]error{"read": errors.New("broken")}
	_, _, err = v.Verify(background, page, nil)
	require.ErrorContains(t, err, "broken")
	_, err = NewVerifier(nil, s)
	require.Error(t, err)
}
