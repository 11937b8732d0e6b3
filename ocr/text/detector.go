package text

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Detector finds lines of text with one model. It is safe for concurrent use. The executor stays its owner's to close.
type Detector struct {
	x             pipeline.Executor
	input, output string
	spec          imaging.Spec // without a size
	packed        bool         // the tensor is of bytes, by packing
	packing       imaging.Packing
	plan          scaling
	minLine       float64 // tensor pixels
	endGrowth     float64 // heights of a line
	tables        bool
	largeSide     int     // tensor pixels
	largeLine     float64 // tensor pixels
	stride        int     // tensor pixels a map cell, each way
	db            dbSettings
	minSide       float64 // of a core, tensor pixels
	buffers       pipeline.BufferPool
	workspaces    sync.Pool // of *dbWorkspace
	bytes         sync.Pool // of *[]byte
}

// NewDetector binds a loaded model to its catalogue entry of family "dbnet".
//
// Parameters: "unclip_ratio" (as PaddleOCR's) or else "shrink_ratio" (the kernel's shrink ratio in training, default 0.4),
// "map_stride" (tensor pixels a map cell, default 1), "min_side" (of a line's core, tensor pixels, default 3), and how the
// picture is scaled, in pixels: "long_side" (the picture's longer side is brought down to it, default 960), "short_side"
// (but the shorter one is not brought below it, default 640), "max_shrink" (and nothing is made smaller by more than this
// factor, default 3), "enlarge_below" (pictures whose longer side is below it are doubled, default 320), "tile" (what is
// longer than this after scaling is cut into overlapping tiles, default 1600), and "min_line" (where the picture was shrunk
// and the median line is lower than this in the tensor, it is shown once more, larger; default 0: never). "end_growth" moves a
// line's ends over free ink that goes on behind them, by up to so many of its heights (0 to 3, default 0: not at all), and
// over a mark that was found there as a line of its own.
// "large_side" (where lines cover little of a picture its longer side is brought down to this for one more look, and what is
// found to be at least "large_line" tensor pixels high then, default 20, takes the place of its pieces; default 0: never). "tables"
// (default false: cells of a table that were found as one line are parted, and lone entries that were left out are added).
// Thresholds: "pixel" (0.3), "box" (0.6).
func NewDetector(x pipeline.Executor, e models.Entry) (*Detector, error) {
	fail := func(format string, args ...any) (*Detector, error) {
		return nil, fmt.Errorf("text detector %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyDBNet {
		return fail("its family is %q, want %q", e.Family, models.FamilyDBNet)
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 {
		return fail("the model must have one input of 4 axes, has %v", sig.Inputs)
	}
	if len(sig.Outputs) != 1 || len(sig.Outputs[0].Shape) != 4 {
		return fail("the model must have one output of 4 axes, has %v", sig.Outputs)
	}
	d := &Detector{x: x, input: sig.Inputs[0].Name, output: sig.Outputs[0].Name}
	d.workspaces.New = func() any { return new(dbWorkspace) }
	multiple := 32
	d.packed = sig.Inputs[0].DType == pipeline.Uint8
	if in, ok := e.Input(d.input); ok {
		if err := d.spec.Configure(in); err != nil {
			return fail("%w", err)
		}
		multiple = max(1, in.MultipleOf)
		if d.packed {
			if err := d.packing.Configure(in); err != nil {
				return fail("%w", err)
			}
		}
	} else if d.packed {
		return fail("its input is of bytes, and the entry does not say which")
	}
	if d.packed != (d.spec.Layout == imaging.NHWC) {
		return fail("a picture in bytes must have the layout NHWC, one in float32 NCHW")
	}
	high := 2 // axis of the height
	if d.packed {
		high = 1
	}
	if shape := sig.Inputs[0].Shape; shape[high] > 0 || shape[high+1] > 0 {
		return fail("its input %v is of fixed size; the picture's shape must be free", shape)
	}
	p := e.Parameters
	d.stride = p.Int("map_stride", 1)
	d.plan = scaling{
		longSide: p.Int("long_side", 960), shortSide: p.Int("short_side", 640), enlargeBelow: p.Int("enlarge_below", 320),
		maxShrink: p.Float("max_shrink", 3), tile: p.Int("tile", 1600), multiple: multiple,
	}
	if err := d.plan.check(); err != nil {
		return fail("%w", err)
	}
	d.minSide, d.minLine = p.Float("min_side", 3), p.Float("min_line", 0)
	d.endGrowth, d.largeSide, d.largeLine = p.Float("end_growth", 0), p.Int("large_side", 0), p.Float("large_line", 20)
	d.tables = p.Bool("tables", false)
	d.db = dbSettings{
		pixel: float32(e.Threshold("pixel", 0.3)), score: float32(e.Threshold("box", 0.6)),
		ratio: p.Float("unclip_ratio", 0), shrink: p.Float("shrink_ratio", 0.4),
	}
	if d.stride < 1 || multiple%d.stride != 0 {
		return fail("map_stride %d does not divide multiple_of %d", d.stride, multiple)
	}
	if !(d.db.ratio >= 0 && d.db.ratio < 10) || !(d.db.shrink > 0 && d.db.shrink < 1) {
		return fail("unclip_ratio %v or shrink_ratio %v is out of range: want 0..10 and between 0 and 1", d.db.ratio, d.db.shrink)
	}
	if !(d.endGrowth >= 0 && d.endGrowth <= 3) {
		return fail("end_growth %v is out of range: want 0 to 3", d.endGrowth)
	}
	if d.largeSide != 0 && (d.largeSide < multiple || d.largeSide >= d.plan.longSide) || !(d.largeLine >= 1) {
		return fail("large_side %d or large_line %v is out of range: want 0, or %d to less than long_side, and 1 or more", d.largeSide, d.largeLine, multiple)
	}
	d.db.minSide = d.minSide / float64(d.stride)
	return d, nil
}

// DetectOptions are one call's wishes; the zero value is the entry's defaults.
type DetectOptions struct {
	MinScore float32 // mean probability of a line's core, 0..1
	MaxLines int     // refuses a picture on which more are found; 0 stands for DefaultMaxLines
}

// DefaultMaxLines bounds the lines of one picture: a newspaper page has about a thousand.
const DefaultMaxLines = 20_000

// Detect returns the lines of r from top to bottom; none where there is no text. The result does not depend on what other
// calls share the model's batch. Options out of range and pictures with too many lines give a *refusal.Error; the rest are
// the engine's failures.
func (d *Detector) Detect(ctx context.Context, r *imaging.Raster, o DetectOptions) ([]Region, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("detect text: %w", err)
	}
	db := d.db
	if o.MinScore < 0 || o.MinScore > 1 || o.MinScore != o.MinScore {
		return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "min_score", Msg: fmt.Sprintf("min_score is %v, must be 0 to 1", o.MinScore)}
	} else if o.MinScore > 0 {
		db.score = o.MinScore
	}
	limit := o.MaxLines
	if limit <= 0 {
		limit = DefaultMaxLines
	}
	scale := d.plan.scale(r.Width, r.Height)
	c := d.plan.canvas(r.Width, r.Height, scale)
	regions, err := d.detect(ctx, r, c, db, limit)
	if err != nil {
		return nil, fmt.Errorf("detect text: %w", err)
	}
	if larger := d.larger(regions, r, c); larger > scale {
		if regions, err = d.detect(ctx, r, d.plan.canvas(r.Width, r.Height, larger), db, limit); err != nil {
			return nil, fmt.Errorf("detect text: %w", err)
		}
	}
	if d.largeSide > 0 {
		if regions, err = d.withLarge(ctx, regions, r, scale, db, limit); err != nil {
			return nil, fmt.Errorf("detect text: %w", err)
		}
	}
	if d.tables {
		regions = cutAtRules(cellsApart(regions), plane{pix: r.Pix, width: r.Width, height: r.Height, channels: 3})
	}
	if d.endGrowth > 0 {
		src := plane{pix: r.Pix, width: r.Width, height: r.Height, channels: 3}
		regions = withMarks(regions, src)
		grownEnds(regions, src, d.endGrowth)
	}
	if d.tables {
		regions = withEntries(regions, plane{pix: r.Pix, width: r.Width, height: r.Height, channels: 3})
	}
	return regions, nil
}

// larger returns the scale at which lines that were found too low would be high enough, at most that of the picture itself;
// 0 when they are.
func (d *Detector) larger(regions []Region, r *imaging.Raster, c canvas) float64 {
	if len(regions) == 0 || c.height >= r.Height {
		return 0
	}
	scale := float64(c.height) / float64(r.Height)
	heights := make([]float64, len(regions))
	for i, g := range regions {
		w, h := sides(g.Polygon)
		heights[i] = min(w, h) * scale
	}
	slices.Sort(heights)
	median := heights[len(heights)/2]
	if !(median < d.minLine) {
		return 0
	}
	// Half as high again as the least is where detectors are at their best.
	return min(1, scale*1.5*d.minLine/median)
}

func (d *Detector) detect(ctx context.Context, r *imaging.Raster, c canvas, db dbSettings, limit int) ([]Region, error) {
	cells := d.buffers.Get(c.width / d.stride * (c.height / d.stride))
	defer d.buffers.Put(cells)
	if err := d.run(ctx, r, c, cells); err != nil {
		return nil, err
	}
	w := d.workspaces.Get().(*dbWorkspace)
	defer d.workspaces.Put(w)
	lines, err := w.decode(cells, c.width/d.stride, c.height/d.stride, db)
	if err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: err}
	}
	lines = rejoined(lines)
	if len(lines) > limit {
		return nil, &refusal.Error{Reason: refusal.TooLarge, Limit: int64(limit), Got: int64(len(lines)),
			Msg: fmt.Sprintf("the picture has %d lines of text, over the limit of %d; send it in parts", len(lines), limit)}
	}
	sx, sy := float64(r.Width)*float64(d.stride)/float64(c.width), float64(r.Height)*float64(d.stride)/float64(c.height)
	regions := make([]Region, len(lines))
	for i, l := range lines {
		regions[i] = l.region(sx, sy, r.Width, r.Height)
	}
	return regions, nil
}

// run fills cells with the map of the whole canvas, tile by tile where it is large.
func (d *Detector) run(ctx context.Context, r *imaging.Raster, c canvas, cells []float32) error {
	spec := d.spec
	spec.Width, spec.Height = c.width, c.height
	if d.packed {
		all := d.takeBytes(3 * c.width * c.height)
		defer d.bytes.Put(all)
		if err := imaging.ToBytes(*all, r, spec, d.packing); err != nil {
			return err
		}
		return d.runTiles(ctx, c, func(ctx context.Context, t tile) error { return d.runBytes(ctx, *all, c, t, cells) })
	}
	tensor := d.buffers.Get(3 * c.width * c.height)
	defer d.buffers.Put(tensor)
	if _, err := imaging.ToTensor(tensor, r, spec); err != nil {
		return err
	}
	return d.runTiles(ctx, c, func(ctx context.Context, t tile) error { return d.runFloats(ctx, tensor, c, t, cells) })
}

func (d *Detector) runTiles(ctx context.Context, c canvas, one func(context.Context, tile) error) error {
	if len(c.tiles) == 1 {
		return one(ctx, c.tiles[0])
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, t := range c.tiles {
		g.Go(func() error { return one(ctx, t) })
	}
	return g.Wait()
}

// runFloats runs one tile of a float32 tensor.
func (d *Detector) runFloats(ctx context.Context, tensor []float32, c canvas, t tile, cells []float32) error {
	if len(c.tiles) > 1 {
		part := d.buffers.Get(3 * t.width * t.height)
		defer d.buffers.Put(part)
		for plane := range 3 {
			for y := range t.height {
				from := (plane*c.height+t.y+y)*c.width + t.x
				copy(part[(plane*t.height+y)*t.width:][:t.width], tensor[from:])
			}
		}
		tensor = part
	}
	return d.runTile(ctx, pipeline.Tensor{Shape: []int64{1, 3, int64(t.height), int64(t.width)}, Float32: tensor}, c, t, cells)
}

// runBytes runs one tile of a packed tensor.
func (d *Detector) runBytes(ctx context.Context, tensor []byte, c canvas, t tile, cells []float32) error {
	const side = imaging.PackedSide
	if len(c.tiles) > 1 {
		part := d.takeBytes(3 * t.width * t.height)
		defer d.bytes.Put(part)
		row := 3 * side * t.width // bytes of a row of places
		for y := range t.height / side {
			copy((*part)[y*row:][:row], tensor[3*side*((t.y/side+y)*c.width+t.x):])
		}
		tensor = *part
	}
	shape := []int64{1, int64(t.height / side), int64(t.width / side), 3 * side * side}
	return d.runTile(ctx, pipeline.Tensor{Shape: shape, Uint8: tensor}, c, t, cells)
}

func (d *Detector) takeBytes(n int) *[]byte {
	buf, _ := d.bytes.Get().(*[]byte)
	if buf == nil || cap(*buf) < n {
		buf = new([]byte)
		*buf = make([]byte, n)
	}
	*buf = (*buf)[:n]
	return buf
}

// runTile runs one tile and copies the part of its map that counts. Parts of tiles do not overlap.
func (d *Detector) runTile(ctx context.Context, tensor pipeline.Tensor, c canvas, t tile, cells []float32) error {
	out, err := d.x.Run(ctx, pipeline.Tensors{d.input: tensor})
	if err != nil {
		return err
	}
	w, h := t.width/d.stride, t.height/d.stride
	got := out[d.output]
	if len(got.Shape) != 4 || got.Shape[2] != int64(h) || got.Shape[3] != int64(w) || len(got.Float32) != w*h {
		return &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("output %s has shape %v, want [1 1 %d %d] (parameter map_stride is %d)", d.output, got.Shape, h, w, d.stride)}
	}
	x0, x1 := (t.keep[0]-t.x)/d.stride, (t.keep[2]-t.x)/d.stride
	for y := t.keep[1]; y < t.keep[3]; y += d.stride {
		from := (y - t.y) / d.stride * w
		copy(cells[y/d.stride*(c.width/d.stride)+t.keep[0]/d.stride:], got.Float32[from+x0:from+x1])
	}
	return nil
}

// scaling says at which size pictures are shown to the model; see [NewDetector].
type scaling struct {
	longSide, shortSide, enlargeBelow int
	maxShrink                         float64
	tile, multiple                    int
}

func (s scaling) check() error {
	if s.longSide < s.multiple || s.shortSide < 0 || s.tile < 4*s.multiple || !(s.maxShrink >= 1) || s.enlargeBelow < 0 {
		return fmt.Errorf("long_side %d, short_side %d, enlarge_below %d, max_shrink %v or tile %d is out of range for multiples of %d",
			s.longSide, s.shortSide, s.enlargeBelow, s.maxShrink, s.tile, s.multiple)
	}
	return nil
}

// canvas is the scaled picture that the model sees, whole or in tiles; all sizes are multiples of the model's.
type canvas struct {
	width, height int
	tiles         []tile
}

// tile is a part of the canvas, and of it what is taken from this tile's map: [x0, y0, x1, y1) of the canvas.
type tile struct {
	x, y, width, height int
	keep                [4]int
}

// scale returns by how much a picture is scaled.
func (s scaling) scale(width, height int) float64 {
	long, short := float64(max(width, height)), float64(min(width, height))
	if long < float64(s.enlargeBelow) {
		return 2
	}
	scale := max(float64(s.longSide)/long, min(1, float64(s.shortSide)/short), 1/s.maxShrink)
	return min(scale, 1)
}

func (s scaling) canvas(width, height int, scale float64) canvas {
	side := func(v int) int {
		n := int(math.Round(float64(v) * scale / float64(s.multiple)))
		return max(n, 1) * s.multiple
	}
	c := canvas{width: side(width), height: side(height)}
	for _, y := range s.cuts(c.height) {
		for _, x := range s.cuts(c.width) {
			c.tiles = append(c.tiles, tile{x: x.from, y: y.from, width: x.to - x.from, height: y.to - y.from, keep: [4]int{x.keepFrom, y.keepFrom, x.keepTo, y.keepTo}})
		}
	}
	return c
}

// overlap of neighbouring tiles, pixels: half of it is context that each loses at the cut.
const overlap = 256

type cut struct{ from, to, keepFrom, keepTo int }

// cuts divides a side into equal overlapping stretches of at most s.tile pixels.
func (s scaling) cuts(side int) []cut {
	if side <= s.tile {
		return []cut{{0, side, 0, side}}
	}
	m := s.multiple
	lap := min(overlap, s.tile/2) / (2 * m) * (2 * m)
	size := s.tile / m * m
	n := (side - lap + size - lap - 1) / (size - lap)
	size = ((side-lap+n-1)/n + lap + m - 1) / m * m // no larger than needed
	out := make([]cut, n)
	for i := range out {
		from := min(i*(size-lap), side-size)
		out[i] = cut{from: from, to: from + size, keepFrom: from + lap/2, keepTo: from + size - lap/2}
		if i == 0 {
			out[i].keepFrom = 0
		} else {
			out[i].keepFrom = out[i-1].keepTo
		}
	}
	out[n-1].keepTo = side
	return out
}
