package text

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
)

// What training shrinks, unclip grows back to the same rectangle.
func TestUnclipUndoesShrinking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.Float64Range(2, 2000).Draw(t, "w"), rapid.Float64Range(2, 200).Draw(t, "h")
		shrink := rapid.Float64Range(0.2, 0.95).Draw(t, "shrink")
		d := shrunk(w, h, shrink)
		if w <= 2*d || h <= 2*d {
			t.Skip("nothing is left")
		}
		if back := unclip(w-2*d, h-2*d, 0, shrink); math.Abs(back-d) > 1e-6*max(w, h) {
			t.Fatalf("%vx%v shrunk by %v grows by %v", w, h, d, back)
		}
	})
	assert.InDelta(t, 100*20*1.5/240, unclip(100, 20, 1.5, 0.4), 1e-9, "a ratio is PaddleOCR's formula")
}

func TestSmallestRectFindsARectangleAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		angle := rapid.Float64Range(-44, 44).Draw(t, "angle") * math.Pi / 180
		want := rect{centre: vec{rapid.Float64Range(-50, 500).Draw(t, "x"), rapid.Float64Range(-50, 500).Draw(t, "y")},
			along: vec{math.Cos(angle), math.Sin(angle)}, width: rapid.Float64Range(60, 900).Draw(t, "width"), height: rapid.Float64Range(4, 20).Draw(t, "height")}
		corners := want.corners()
		points := corners[:]
		for range 20 { // points inside change nothing
			u, v := rapid.Float64Range(0, 1).Draw(t, "u"), rapid.Float64Range(0, 1).Draw(t, "v")
			points = append(points, corners[0].between(corners[1], u).between(corners[3].between(corners[2], u), v))
		}
		got := smallestRect(hull(points, nil))
		if math.Abs(angle) > 0.1 && (math.Abs(got.width-want.width) > 1e-6*want.width || math.Abs(got.height-want.height) > 1e-6*want.width) {
			t.Fatalf("%+v became %+v", want, got)
		}
		for _, p := range corners {
			d := p.minus(got.centre)
			if math.Abs(d.dot(got.along)) > got.width/2+1e-6 || math.Abs(d.dot(got.across())) > got.height/2+1e-6 {
				t.Fatalf("%v is outside %+v", p, got)
			}
		}
	})
}

func TestHullHoldsAllPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) vec {
			return vec{float64(rapid.IntRange(0, 12).Draw(t, "x")), float64(rapid.IntRange(0, 12).Draw(t, "y"))}
		}), 3, 40).Draw(t, "points")
		all := append([]vec{}, points...)
		h := hull(points, nil)
		if len(h) < 3 {
			return // all on one line
		}
		for i, p := range h {
			edge := h[(i+1)%len(h)].minus(p)
			for _, q := range all {
				if edge.cross(q.minus(p)) < 0 {
					t.Fatalf("%v is outside the hull %v", q, h)
				}
			}
		}
	})
}

// A box of the strip, mapped to the picture, is where the strip was cut from.
func TestStraightStripsMapBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		angle := rapid.Float64Range(-math.Pi, math.Pi).Draw(t, "angle")
		r := rect{centre: vec{500, 400}, along: vec{math.Cos(angle), math.Sin(angle)}, width: rapid.Float64Range(40, 800).Draw(t, "w"), height: rapid.Float64Range(8, 80).Draw(t, "h")}
		var p ocr.Polygon
		for i, c := range r.corners() {
			p[i] = ocr.Point{X: float32(c.x), Y: float32(c.y)}
		}
		margin := rapid.Float64Range(0, 0.2).Draw(t, "margin")
		s, ok := straight(p, 32, margin)
		if !ok {
			t.Fatal("refused")
		}
		m := margin * 32 / (1 + 2*margin)
		got, want := s.box(m, m, s.width-m, 32-m), p.Bounds()
		if math.Abs(float64(got.X-want.X)) > 0.01 || math.Abs(float64(got.Y-want.Y)) > 0.01 || math.Abs(float64(got.W-want.W)) > 0.02 || math.Abs(float64(got.H-want.H)) > 0.02 {
			t.Fatalf("%+v became %+v", want, got)
		}
		cut := rapid.Float64Range(0.2, 0.8).Draw(t, "cut") * s.width
		a, b := s.part(0, cut), s.part(cut, s.width)
		whole, parts := s.box(0, 0, s.width, 32), a.box(0, 0, a.width, 32).Union(b.box(0, 0, b.width, 32))
		if math.Abs(float64(whole.W-parts.W)) > 0.02 || math.Abs(float64(whole.X-parts.X)) > 0.02 {
			t.Fatalf("cut in two, %+v became %+v", whole, parts)
		}
	})
}

func TestTurnedRegions(t *testing.T) {
	g := Region{Polygon: ocr.Box{X: 10, Y: 20, W: 100, H: 20}.Polygon()}
	assert.Equal(t, ocr.Polygon{{X: 110, Y: 40}, {X: 10, Y: 40}, {X: 10, Y: 20}, {X: 110, Y: 20}}, g.Turned(180).Polygon)
	assert.False(t, g.Turned(180).Vertical)
	quarter := g.Turned(90)
	assert.Equal(t, ocr.Point{X: 110, Y: 20}, quarter.Polygon[0], "content turned clockwise starts at the top right")
	assert.True(t, quarter.Vertical)
	assert.Equal(t, g, quarter.Turned(270))
	assert.Equal(t, g, g.Turned(360))
	g.Outline = []ocr.Point{{X: 1, Y: 1}, {X: 2, Y: 1}, {X: 2, Y: 3}, {X: 1, Y: 3}}
	assert.Equal(t, []ocr.Point{{X: 2, Y: 3}, {X: 1, Y: 3}, {X: 1, Y: 1}, {X: 2, Y: 1}}, g.Turned(180).Outline)
	require.Equal(t, g, g.Turned(180).Turned(180))
}

func TestBentStripsOfStraightLinesAreStraight(t *testing.T) {
	outline := []ocr.Point{{X: 10, Y: 10}, {X: 60, Y: 10}, {X: 110, Y: 10}, {X: 110, Y: 30}, {X: 60, Y: 30}, {X: 10, Y: 30}}
	s, ok := bent(outline, 32, 0)
	require.True(t, ok)
	assert.InDelta(t, 160, s.width, 1e-6)
	b := s.box(0, 0, 32, 32)
	assert.InDelta(t, 10, b.X, 1e-4)
	assert.InDelta(t, 20, b.W, 1e-4)
	_, ok = bent(outline[:3], 32, 0)
	assert.False(t, ok)
	_, ok = straight(ocr.Polygon{}, 32, 0)
	assert.False(t, ok, "an empty region has no strip")
	nan := float32(math.NaN())
	_, ok = straight(ocr.Polygon{{X: nan}, {X: 5}, {X: 5, Y: 5}, {Y: 5}}, 32, 0)
	assert.False(t, ok)
}
