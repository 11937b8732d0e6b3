package text

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Recognizer reads lines with one model. It is safe for concurrent use. The executor stays its owner's to close.
type Recognizer struct {
	x        pipeline.Executor
	input    string
	outputs  outputNames
	scale    pixelScale
	alphabet []string
	decoder  decoder
	height   int
	margin   float64
	fit      bool    // crops to the ink
	settles  bool    // what neighbouring frames disagree about
	darkOnly bool    // light writing is shown as its negative
	pad      float32 // tensor value behind a line's end
	fixed    int     // width, where the graph takes only this
	multiple int     // of widths
	maxWidth int     // longer lines are cut
	maxBatch int
	line     float32 // lines of less confidence are no text
	short    float32 // nor are those of up to shortLine characters of less confidence than this
	marks    float32 // nor are those of less that are hatched
	company  float32 // lines of this confidence are text after all where their company says so; 0: none are
	retry    float32 // lines of less confidence are read another way up too
	buffers  pipeline.BufferPool
	grays    sync.Pool // of *[]byte
}

// outputNames are a ctc-line graph's outputs: either frames of all classes, or the likeliest ones in order.
type outputNames struct {
	frames          string
	scores, classes string
	boxes           string // "" when there are none
}

// NewRecognizer binds a loaded model and its keys file to their catalogue entry of family "ctc-line".
//
// The only input is a picture, [N, 1 or 3, height, width], white when empty. The outputs are either one of all classes,
// [N, frames, classes], raw scores or probabilities by the parameter "output", or "scores" and "classes", [N, frames, k],
// the k likeliest classes' probabilities, best first, and their numbers. An output "boxes", [N, frames, 4], gives the ink box
// of the character at a frame: left and right in frames from the frame's centre, top and bottom in heights.
//
// Parameters: "height" (pixels, else the graph's), "blank" (class of CTC's blank, default 0), "space" (where the class of
// the blank character is: "last", behind the keys, the default; "keys", among them; "none"), "output" ("probabilities", the
// default, or "logits"), "temperature" (by which scores are divided to calibrate confidences, default 1), "margin" (of the
// picture around a line, in line heights, default 0), "crop" ("ink", the default: a line's upper and lower edge are moved to its
// ink; "box": they are taken as given), "pad_value" (tensor value behind a line's end, default white),
// "multiple_of" (widths are multiples of it, default 32), "max_width" (longer lines are cut between characters, pixels at
// the network's height, default 1600), "settle" (default false: of a network that gives the likeliest classes and boxes, what neighbouring
// frames disagree about is settled before they are joined, and a full stop is heard between digits that stand apart), "dark_on_light" (default false: of a network of gray pictures that was taught dark
// writing, lines of light writing on a darker ground are shown the negative). Thresholds: "line" (default 0: lines of less mean confidence are given without text),
// "short" (default 0: so are lines of up to two characters of less, which chance reads into seals and specks more often),
// "marks" (default 0: so are lines of less that are marks more than anything else, which a fax's noise between the lines reads as),
// "company" (default 0: none; from this, lines that these thresholds leave out are given where they are as high as the others and stand in a row or column of
// cells, or are Chinese text), "retry" (default 0.6: lines of less are read another way up too, and the better reading counts).
func NewRecognizer(x pipeline.Executor, e models.Entry, keys []byte) (*Recognizer, error) {
	fail := func(format string, args ...any) (*Recognizer, error) {
		return nil, fmt.Errorf("line recogniser %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyCTCLine {
		return fail("its family is %q, want %q", e.Family, models.FamilyCTCLine)
	}
	list, err := ParseKeys(keys)
	if err != nil {
		return fail("%w", err)
	}
	p := e.Parameters
	r := &Recognizer{x: x, margin: p.Float("margin", 0), multiple: p.Int("multiple_of", 32), maxWidth: p.Int("max_width", 1600),
		maxBatch: max(e.Batch.Max, 1), line: float32(e.Threshold("line", 0)),
		short: float32(e.Threshold("short", 0)), marks: float32(e.Threshold("marks", 0)), company: float32(e.Threshold("company", 0)), retry: float32(e.Threshold("retry", 0.6))}
	blank := p.Int("blank", 0)
	if r.alphabet, err = alphabet(list, blank, p.String("space", "last")); err != nil {
		return fail("%w", err)
	}
	r.decoder = decoder{classes: len(r.alphabet), blank: blank, space: slices.Index(r.alphabet, " "), point: slices.Index(r.alphabet, "."), temperature: p.Float("temperature", 1)}
	for class, char := range r.alphabet {
		if isDigit(char) {
			r.decoder.digits = append(r.decoder.digits, class)
		}
		if char == ":" || char == "：" {
			r.decoder.colons = append(r.decoder.colons, class)
		}
	}
	switch output := p.String("output", "probabilities"); output {
	case "logits":
		r.decoder.logits = true
	case "probabilities":
	default:
		return fail("parameter output is %q, want logits or probabilities", output)
	}
	switch crop := p.String("crop", "ink"); crop {
	case "ink":
		r.fit = true
	case "box":
	default:
		return fail("parameter crop is %q, want ink or box", crop)
	}
	if err := r.bind(e); err != nil {
		return fail("%w", err)
	}
	if r.settles = p.Bool("settle", false); r.settles && (r.outputs.scores == "" || r.outputs.boxes == "") {
		return fail("parameter settle is true, but the model has not the outputs scores, classes and boxes")
	}
	if r.darkOnly = p.Bool("dark_on_light", false); r.darkOnly && r.scale.channels != 1 {
		return fail("parameter dark_on_light is true, but the model sees colours")
	}
	r.pad = 255*r.scale.gain[0] + r.scale.offset[0]
	r.pad = float32(p.Float("pad_value", float64(r.pad)))
	switch {
	case !(r.decoder.temperature > 0.01 && r.decoder.temperature < 100):
		return fail("parameter temperature is %v, want 0.01 to 100", r.decoder.temperature)
	case !(r.margin >= 0 && r.margin < 1):
		return fail("parameter margin is %v, want 0 to 1", r.margin)
	case r.multiple < 1 || r.maxWidth < 4*r.height:
		return fail("multiple_of %d or max_width %d is out of range: want 1 or more, and four heights or more", r.multiple, r.maxWidth)
	}
	return r, nil
}

// bind reads the graph's signature.
func (r *Recognizer) bind(e models.Entry) error {
	sig := r.x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 {
		return fmt.Errorf("the model must have one input of 4 axes, has %v", sig.Inputs)
	}
	in := sig.Inputs[0]
	r.input = in.Name
	spec, ok := e.Input(in.Name)
	if ok && spec.Layout != "" && spec.Layout != "NCHW" {
		return fmt.Errorf("layout %s is not supported, want NCHW", spec.Layout)
	}
	var err error
	if r.scale, err = newPixelScale(spec); err != nil {
		return err
	}
	if in.Shape[1] > 0 && in.Shape[1] != int64(r.scale.channels) {
		return fmt.Errorf("the graph's input %v has %d channels, the entry's colour %q has %d", in.Shape, in.Shape[1], spec.Color, r.scale.channels)
	}
	r.height = e.Parameters.Int("height", int(in.Shape[2]))
	if r.height < 8 || r.height > 256 || in.Shape[2] > 0 && in.Shape[2] != int64(r.height) {
		return fmt.Errorf("parameter height is %d, want 8 to 256 and as the graph's input %v", r.height, in.Shape)
	}
	r.fixed = max(int(in.Shape[3]), 0)
	if r.fixed > 0 {
		r.maxWidth = min(r.maxWidth, r.fixed)
	}
	for _, o := range sig.Outputs {
		switch {
		case o.Name == "boxes":
			r.outputs.boxes = o.Name
		case o.Name == "scores":
			r.outputs.scores = o.Name
		case o.Name == "classes" && o.DType == pipeline.Int64:
			r.outputs.classes = o.Name
		case r.outputs.frames == "":
			r.outputs.frames = o.Name
			if n := len(o.Shape); n == 3 && o.Shape[2] > 0 && o.Shape[2] != int64(len(r.alphabet)) {
				return fmt.Errorf("output %s has %d classes, the keys file and the parameters blank and space make %d", o.Name, o.Shape[2], len(r.alphabet))
			}
		default:
			return fmt.Errorf("the model has outputs %v, of which %q is not known to the family", sig.Outputs, o.Name)
		}
	}
	ranked := r.outputs.scores != "" && r.outputs.classes != ""
	if ranked == (r.outputs.frames != "") {
		return fmt.Errorf("the model has outputs %v; want one of all classes, or scores and classes", sig.Outputs)
	}
	return nil
}

const shortLine = 2

// ReadOptions are one call's wishes.
type ReadOptions struct {
	// AsGiven reads every region the way up it is given, however badly that goes.
	AsGiven bool
	// Candidates wanted for each symbol, 0..MaxReadings.
	Candidates int
}

// Read returns one line for each region, in their order; a region in which nothing can be read gives a line without text.
// A region that reads badly is tried another way up. The result for a region does not depend on the others.
func (r *Recognizer) Read(ctx context.Context, picture *imaging.Raster, regions []Region, o ReadOptions) ([]ocr.Line, error) {
	if err := picture.Validate(); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	if len(regions) == 0 {
		return nil, ctx.Err()
	}
	src, done := r.plane(picture)
	defer done()
	src.fits = make(map[ocr.Polygon]ocr.Polygon, len(regions))
	first := make([]attempt, len(regions))
	for i, g := range regions {
		first[i] = attempt{region: i, Region: g, column: g.Vertical}
	}
	read, err := r.attempts(ctx, src, first)
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	if !o.AsGiven {
		if err := r.retryBad(ctx, src, first, read); err != nil {
			return nil, fmt.Errorf("read lines: %w", err)
		}
		if err := r.rereadUnsure(ctx, src, read); err != nil {
			return nil, fmt.Errorf("read lines: %w", err)
		}
	}
	lines := make([]ocr.Line, len(regions))
	var around company
	if r.company > 0 {
		around = companyOf(read)
	}
	for i := range read {
		if c := read[i].confidence; c < r.line || c < r.short && len(read[i].glyphs) <= shortLine || c < r.marks && read[i].hatched() {
			if r.company == 0 || c < r.company || !around.has(read[i]) {
				read[i].glyphs = nil
			}
		}
		lines[i] = read[i].line(min(o.Candidates, MaxReadings))
	}
	return lines, nil
}

// plane returns the picture as the network wants it, and what gives its memory back.
func (r *Recognizer) plane(picture *imaging.Raster) (plane, func()) {
	if r.scale.channels == 3 {
		return plane{pix: picture.Pix, width: picture.Width, height: picture.Height, channels: 3}, func() {}
	}
	buf, _ := r.grays.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	p := grayOf(picture, *buf)
	*buf = p.pix
	return p, func() { r.grays.Put(buf) }
}

// attempt is one way of reading a region.
type attempt struct {
	Region
	region int
	column bool    // characters stand upright below each other
	boxed  bool    // the crop is the box as it was found, not fitted to the ink
	wide   float64 // by which the line is drawn wider than it is; 0: as it is
}

// By how much another way of reading must be surer than the obvious one: of a line, and of what is higher than wide, which
// may as well be a column as a line turned by a quarter. Some networks read characters that lie on their side, though less
// surely, so that only a column read with columnSure is taken for one at once.
const (
	better       = 0.1
	betterColumn = 0.03
	columnSure   = 0.95
)

// A line that is read less surely than doubtful, and whose crop was fitted to its ink by more than refitted of its height, is read from
// its whole box too: worn print, noise and rules mislead the fit. Where noise hides the ink's edges altogether, so that nothing was fitted, it is read
// from its box without boxPaper of the height above and below, for boxes are found higher than their lines. That reading counts when it is
// betterBoxed surer.
const (
	doubtful    = 0.92
	refitted    = 0.06
	boxPaper    = 0.1
	betterBoxed = 0.02
)

// retryBad reads regions that went badly in other ways and keeps what is better.
func (r *Recognizer) retryBad(ctx context.Context, src plane, first []attempt, read []reading) error {
	var again []attempt
	for i, a := range first {
		if read[i].confidence < doubtful && r.fit && !a.column && len(a.Outline) == 0 {
			box := a.Region
			if !r.refits(a, src) {
				box.Polygon = lower(box.Polygon, boxPaper)
			}
			again = append(again, attempt{region: i, Region: box, boxed: true})
		}
		if read[i].confidence >= r.retry && (!a.Vertical || read[i].confidence >= columnSure) {
			continue
		}
		w, h := sides(a.Polygon)
		if !a.Vertical {
			if w > 2*h {
				again = append(again, attempt{region: i, Region: a.Turned(180)})
			}
			continue
		}
		if h < 2.5*w { // perhaps a single narrow character
			again = append(again, attempt{region: i, Region: a.Region})
		}
		again = append(again, attempt{region: i, Region: a.Turned(90)}, attempt{region: i, Region: a.Turned(270)})
	}
	if len(again) == 0 {
		return nil
	}
	second, err := r.attempts(ctx, src, again)
	if err != nil {
		return err
	}
	before := make([]float32, len(read))
	for i := range read {
		before[i] = read[i].confidence
	}
	for k, s := range second {
		i := again[k].region
		least := before[i] + better
		switch {
		case again[k].boxed:
			least = before[i] + betterBoxed
		case first[i].Vertical:
			least = before[i] + betterColumn
		}
		if s.confidence > max(least, read[i].confidence) {
			read[i] = s
		}
	}
	return nil
}

// lower returns a rectangle without a share of its height above and below.
func lower(p ocr.Polygon, share float64) ocr.Polygon {
	between := func(a, b ocr.Point) ocr.Point {
		v := toVec(a).between(toVec(b), share)
		return ocr.Point{X: float32(v.x), Y: float32(v.y)}
	}
	return ocr.Polygon{between(p[0], p[3]), between(p[1], p[2]), between(p[2], p[1]), between(p[3], p[0])}
}

// refits reports whether an attempt's crop was fitted to something else than its box.
func (r *Recognizer) refits(a attempt, src plane) bool {
	_, height := sides(a.Polygon)
	p := fitted(a.Polygon, src)
	for i := range p {
		if distance(p[i], a.Polygon[i]) > refitted*height {
			return true
		}
	}
	return false
}

// attempts reads; the result has one reading for each attempt.
func (r *Recognizer) attempts(ctx context.Context, src plane, all []attempt) ([]reading, error) {
	pieces, err := r.layOut(ctx, src, all)
	if err != nil {
		return nil, err
	}
	if err := r.runPieces(ctx, src, pieces); err != nil {
		return nil, err
	}
	out := make([]reading, len(all))
	for i, a := range all {
		out[i] = reading{region: a.Region, vertical: a.column, boxed: a.boxed}
	}
	for _, p := range pieces {
		out[p.attempt].glyphs = append(out[p.attempt].glyphs, p.glyphs...)
	}
	for i := range out {
		out[i].finish()
	}
	return out, nil
}

// piece is a line or a part of one that goes through the network at once.
type piece struct {
	attempt int
	strip   strip
	start   float64 // in the whole line, pixels of the network's height
	width   int     // of the tensor
	wide    float64 // by which the strip is wider than the line
	glyphs  []glyph
}

// layOut makes the attempts' strips, cut where they are too long. Regions too small to hold text have none.
func (r *Recognizer) layOut(ctx context.Context, src plane, all []attempt) ([]piece, error) {
	var pieces []piece
	for i, a := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, ok := r.strip(src, a)
		if !ok {
			continue
		}
		start, wide := 0.0, cmp.Or(a.wide, 1)
		for _, part := range r.cut(s.widened(wide), src) {
			pieces = append(pieces, piece{attempt: i, strip: part, start: start, width: r.class(part.width), wide: wide})
			start += part.width
		}
	}
	return pieces, nil
}

// longestStrip bounds a line: more than the longest side of any picture that is accepted, at a height of one letter.
const longestStrip = 1 << 17

func (r *Recognizer) strip(src plane, a attempt) (strip, bool) {
	polygon := a.Polygon
	switch p := a.Polygon; {
	case !r.fit || a.boxed:
	case a.column: // on its side it is a line
		p = fitted(ocr.Polygon{p[1], p[2], p[3], p[0]}, src)
		polygon = ocr.Polygon{p[3], p[0], p[1], p[2]}
	default:
		polygon = fitted(p, src)
	}
	switch {
	case a.column:
		w, h := sides(polygon)
		n := int(math.Ceil((h/max(w, minInk)+4)*float64(r.height))) + r.height
		if n > longestStrip {
			return strip{}, false
		}
		buf := r.buffers.Get(n * r.height * src.channels)
		defer r.buffers.Put(buf)
		return column(polygon, r.height, r.margin, src, buf)
	case len(a.Outline) > 0:
		if s, ok := bent(a.Outline, r.height, r.margin); ok && s.width < longestStrip {
			return s, true
		}
	}
	s, ok := straight(polygon, r.height, r.margin)
	return s, ok && s.width < longestStrip
}

// cut divides a strip that is too long for the network where its contrast is least, near equal shares.
func (r *Recognizer) cut(s strip, src plane) []strip {
	if s.width <= float64(r.maxWidth) {
		return []strip{s}
	}
	width := int(math.Ceil(s.width))
	buf := r.buffers.Get(width * r.height * src.channels)
	defer r.buffers.Put(buf)
	s.sample(buf, width, src, pixelScale{channels: src.channels, from: [3]int{0, 1, 2}, gain: [3]float32{1, 1, 1}})
	contrast := contrasts(buf, width, r.height)
	reach := r.height
	n := int(math.Ceil(s.width / float64(r.maxWidth-2*reach)))
	var parts []strip
	from := 0.0
	for i := 1; i < n; i++ {
		middle := width * i / n
		best := middle
		for d := range reach {
			for _, x := range [2]int{middle - d, middle + d} {
				if contrast[x] < contrast[best] {
					best = x
				}
			}
		}
		parts = append(parts, s.part(from, float64(best)+0.5))
		from = float64(best) + 0.5
	}
	return append(parts, s.part(from, s.width))
}

// class returns the tensor width of a strip: of few widths, so that lines share batches, and at most an eighth (of narrow
// ones, multiple_of pixels) larger than needed.
func (r *Recognizer) class(width float64) int {
	if r.fixed > 0 {
		return r.fixed
	}
	w := max(int(math.Ceil(width)), r.height)
	step := r.multiple
	for step*16 < w {
		step *= 2
	}
	return (w + step - 1) / step * step
}
