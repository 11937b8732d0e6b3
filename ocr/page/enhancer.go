package page

import (
	"context"
	"fmt"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// EnhancerConfig switches steps off for every request; the zero value does all. [ocr.EnhanceOptions] does so for one.
type EnhancerConfig struct {
	KeepEdges, KeepSkew, KeepIllumination, KeepNoise, KeepSeals bool
}

// Enhancer cleans pages. Every step first measures whether it is needed, on a reduced copy where that suffices; a page that
// needs nothing is handed back as it is. It holds no state.
type Enhancer struct{ config EnhancerConfig }

var _ ocr.Enhancer = (*Enhancer)(nil)

// NewEnhancer returns an enhancer.
func NewEnhancer(c EnhancerConfig) *Enhancer { return &Enhancer{config: c} }

// Enhance measures the page and does what it needs: black edges painted over, seals taken out of the text, specks and grain
// removed, light evened, the page straightened, in this order. The answer's picture is r itself when nothing was needed.
func (e *Enhancer) Enhance(ctx context.Context, r *imaging.Raster, o ocr.EnhanceOptions) (ocr.Enhanced, error) {
	if err := r.Validate(); err != nil {
		return ocr.Enhanced{}, fmt.Errorf("enhance page: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return ocr.Enhanced{}, err
	}
	c := e.config
	out := ocr.Enhanced{Picture: r, ToOriginal: ocr.Identity}
	s := newSurvey(r)
	edge := findEdges(s)
	s.look()
	lean := findSkew(s)
	seals := findSeals(s)
	for _, k := range seals {
		out.Regions = append(out.Regions, ocr.Region{Kind: ocr.RegionSeal, Confidence: k.confidence, Outline: k.outline(s.factor, r.Width, r.Height)})
	}
	out.Skew = float32(lean.degrees)
	out.Quality = findLegibility(r, s, lean).quality()
	if err := ctx.Err(); err != nil {
		return ocr.Enhanced{}, err
	}

	own := func() *imaging.Raster {
		if out.Picture == r {
			out.Picture = &imaging.Raster{Pix: append([]byte(nil), r.Pix...), Width: r.Width, Height: r.Height}
		}
		return out.Picture
	}
	did := func(step string) { out.Steps = append(out.Steps, step) }
	var paper [3]byte
	if edge.needed() || len(seals) > 0 || lean.needed() {
		paper = paperColour(r, s.inverted)
	}
	if edge.needed() && !c.KeepEdges && !o.KeepEdges {
		edge.apply(own(), paper)
		did(edge.String())
	}
	if !c.KeepSeals {
		n := 0
		for _, k := range seals {
			if !k.solid {
				k.separate(own(), s.factor, paper)
				n++
			}
		}
		if n > 0 {
			did(sealStep(n))
		}
	}
	if !c.KeepNoise && !o.KeepNoise {
		if n := findNoise(r); n.needed() {
			n.apply(own())
			did(n.String())
		}
	}
	if light := findIllumination(s); light.needed() && !c.KeepIllumination && !o.KeepIllumination {
		light.apply(own())
		paper = paperColour(out.Picture, s.inverted)
		did(light.String())
	}
	if err := ctx.Err(); err != nil {
		return ocr.Enhanced{}, err
	}
	if lean.needed() && !c.KeepSkew && !o.KeepSkew {
		out.Picture, out.ToOriginal = Straighten(out.Picture, lean.degrees, paper)
		did(lean.String())
	}
	return out, nil
}
