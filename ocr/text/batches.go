package text

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
)

// maxBatchPixels bounds the joint width of a batch's lines: the network's answer to one tensor pixel takes up to 10 kB.
const maxBatchPixels = 2048

// runPieces reads the pieces in batches of equal width.
func (r *Recognizer) runPieces(ctx context.Context, src plane, pieces []piece) error {
	order := make([]*piece, len(pieces))
	for i := range pieces {
		order[i] = &pieces[i]
	}
	slices.SortStableFunc(order, func(a, b *piece) int { return cmp.Compare(b.width, a.width) })
	g, ctx := errgroup.WithContext(ctx)
	// The model's own queue decides what runs together and when; here it is enough to keep the cores busy, and not to fill
	// that queue with one page.
	g.SetLimit(max(runtime.GOMAXPROCS(0), 2))
	for len(order) > 0 {
		width, n := order[0].width, 1
		for n < len(order) && n < r.maxBatch && order[n].width == width && (n+1)*width <= maxBatchPixels {
			n++
		}
		batch := order[:n]
		order = order[n:]
		g.Go(func() error { return r.runBatch(ctx, src, batch) })
	}
	return g.Wait()
}

func (r *Recognizer) runBatch(ctx context.Context, src plane, batch []*piece) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	width, size := batch[0].width, r.scale.channels*r.height*batch[0].width
	tensor := r.buffers.Get(len(batch) * size)
	defer r.buffers.Put(tensor)
	for i, p := range batch {
		row := tensor[i*size : (i+1)*size]
		end := min(int(math.Ceil(p.strip.width-0.5)), width)
		for y := 0; y < len(row); y += width {
			for x := y + end; x < y+width; x++ {
				row[x] = r.pad
			}
		}
		p.strip.sample(row, width, src, r.scale)
		if r.darkOnly {
			darkOnLight(row, width, r.height, end, r.scale)
		}
	}
	out, err := r.x.Run(ctx, pipeline.Tensors{r.input: {Shape: []int64{int64(len(batch)), int64(r.scale.channels), int64(r.height), int64(width)}, Float32: tensor}})
	if err != nil {
		return err
	}
	for i, p := range batch {
		if err := r.decode(p, out, i, len(batch)); err != nil {
			return &pipeline.Failure{Reason: pipeline.Backend, Err: err}
		}
	}
	return nil
}

// decode reads row i of the outputs.
func (r *Recognizer) decode(p *piece, out pipeline.Tensors, i, rows int) error {
	main := r.outputs.frames
	if main == "" {
		main = r.outputs.scores
	}
	shape := out[main].Shape
	if len(shape) != 3 || shape[0] != int64(rows) || shape[1] < 1 || int64(len(out[main].Float32)) != shape[0]*shape[1]*shape[2] {
		return fmt.Errorf("output %s has shape %v, want [%d, frames, classes]", main, shape, rows)
	}
	frames, depth := int(shape[1]), int(shape[2])
	stride := float64(p.width) / float64(frames)
	used := min(int(math.Ceil(p.strip.width/stride)), frames)
	values := out[main].Float32[i*frames*depth : (i+1)*frames*depth]
	var boxes []float32
	if r.outputs.boxes != "" {
		all := out[r.outputs.boxes].Float32
		if len(all) != rows*frames*4 {
			return fmt.Errorf("output %s has shape %v, want [%d, %d, 4]", r.outputs.boxes, out[r.outputs.boxes].Shape, rows, frames)
		}
		boxes = all[i*frames*4 : (i+1)*frames*4]
	}
	var emitted []emission
	var err error
	if r.outputs.frames != "" {
		if depth != r.decoder.classes {
			return fmt.Errorf("output %s has %d classes, the keys file and the parameters blank and space make %d", main, depth, r.decoder.classes)
		}
		emitted, err = r.decoder.greedy(values, used, nil)
	} else {
		classes := out[r.outputs.classes].Int64
		if len(classes) != rows*frames*depth {
			return fmt.Errorf("outputs scores and classes have %d and %d values", len(out[main].Float32), len(classes))
		}
		classes = classes[i*frames*depth : (i+1)*frames*depth]
		if r.settles && depth > 1 {
			r.decoder.settle(values, classes, boxes, depth)
		}
		emitted, err = r.decoder.ranked(values, classes, depth, used)
		if err == nil && r.settles {
			emitted = r.decoder.withPoints(emitted, values, classes, boxes, depth)
		}
	}
	if err != nil {
		return fmt.Errorf("output %s: %w", main, err)
	}
	p.glyphs = r.glyphs(p, emitted, boxes, stride)
	return nil
}

// glyph is a character that was read.
type glyph struct {
	text       string
	confidence float32
	candidates []ocr.Candidate
	box        ocr.Box
	inked      bool    // the network gave its ink box
	from, to   float32 // of the ink along the line, in heights of the network's input, the line as wide as it is
}

func (r *Recognizer) glyphs(p *piece, emitted []emission, boxes []float32, stride float64) []glyph {
	out := make([]glyph, len(emitted))
	var places [][4]float64
	if boxes == nil {
		places = r.places(p, emitted, stride)
	}
	for i, e := range emitted {
		g := glyph{text: r.alphabet[e.class], confidence: e.confidence}
		for _, s := range e.others {
			if s.probability > 0 {
				g.candidates = append(g.candidates, ocr.Candidate{Char: r.alphabet[s.class], Confidence: s.probability})
			}
		}
		var at [4]float64
		if boxes != nil {
			at = inkBox(boxes[4*e.peak:4*e.peak+4], e.peak, stride, r.height, p.strip.width)
		} else {
			at = places[i]
		}
		g.box = p.strip.box(at[0], at[1], at[2], at[3])
		h := float64(r.height) * p.wide
		g.inked, g.from, g.to = boxes != nil, float32((p.start+at[0])/h), float32((p.start+at[2])/h)
		out[i] = g
	}
	return out
}

// inkBox turns a frame's box into strip pixels: left, top, right, bottom.
func inkBox(b []float32, frame int, stride float64, height int, width float64) [4]float64 {
	centre := (float64(frame) + 0.5) * stride
	h := float64(height)
	at := [4]float64{centre + float64(b[0])*stride, float64(b[1]) * h, centre + float64(b[2])*stride, float64(b[3]) * h}
	for i, limit := range [4]float64{width, h, width, h} {
		if math.IsNaN(at[i]) {
			at = [4]float64{centre - stride, 0, centre + stride, h}
		}
		at[i] = min(max(at[i], 0), limit)
	}
	at[2], at[3] = max(at[2], at[0]), max(at[3], at[1])
	return at
}

// places guesses the boxes of characters from the frames at which they were read, for networks that give none: a character
// reaches half-way to its neighbours, but not further than its script's usual width.
func (r *Recognizer) places(p *piece, emitted []emission, stride float64) [][4]float64 {
	h := float64(r.height)
	inset := h * r.margin / (1 + 2*r.margin)
	centre := func(i int) float64 { return float64(emitted[i].first+emitted[i].last+1) / 2 * stride }
	out := make([][4]float64, len(emitted))
	for i, e := range emitted {
		c := centre(i)
		reach := 0.5 * (h - 2*inset) * p.wide
		if narrow(r.alphabet[e.class]) {
			reach *= 0.6
		}
		left, right := c-reach, c+reach
		if i > 0 {
			left = max(left, (centre(i-1)+c)/2)
		}
		if i+1 < len(emitted) {
			right = min(right, (c+centre(i+1))/2)
		}
		out[i] = [4]float64{max(left, 0), inset, max(min(right, p.strip.width), max(left, 0)), h - inset}
	}
	return out
}
