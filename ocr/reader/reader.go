package reader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Config is a reader's stages. Detector and Lines are needed; what else is nil is left out.
type Config struct {
	Enhancer  ocr.Enhancer
	Orienter  ocr.Orienter
	Detector  Detector
	Direction Direction
	Lines     LineReader
	Corrector Corrector
	Orderer   Orderer

	// Models are the ids of the models behind the stages, for Page.Models and Page.Engine.
	Models []string
	// Unverified leaves a doubtful orientation as it is, where reading would settle it.
	Unverified bool
	// Close frees what the stages hold; nil when they belong to somebody else.
	Close func() error
	// OnStage is told how long each stage of a page took; nil tells nobody. The names are enhance, orient, detect,
	// recognise, correct and order. It is called from many goroutines.
	OnStage func(stage string, took time.Duration)
	// Logger; nil stands for slog.Default().
	Logger *slog.Logger
}

// Reader reads pages. It is safe for concurrent use.
type Reader struct {
	cfg    Config
	engine string

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // Add is guarded by mu and closed
	close   sync.Once
	closing error
}

var _ ocr.Recognizer = (*Reader)(nil)

// New returns a reader of the configured stages.
func New(cfg Config) (*Reader, error) {
	if cfg.Detector == nil || cfg.Lines == nil {
		return nil, errors.New("a page reader needs a text detector and a line recogniser")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.OnStage == nil {
		cfg.OnStage = func(string, time.Duration) {}
	}
	return &Reader{cfg: cfg, engine: strings.TrimSpace("courtsense " + strings.Join(cfg.Models, " "))}, nil
}

// Recognize implements [ocr.Recognizer].
func (r *Reader) Recognize(ctx context.Context, picture *imaging.Raster, o ocr.Options) (ocr.Page, error) {
	if err := picture.Validate(); err != nil {
		return ocr.Page{}, fmt.Errorf("read page: %w", err)
	}
	if err := check(o); err != nil {
		return ocr.Page{}, err
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ocr.Page{}, &pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("the page reader is closed")}
	}
	r.running.Add(1)
	r.mu.Unlock()
	defer r.running.Done()

	s := sheet{cfg: &r.cfg, options: o, picture: picture, toOriginal: ocr.Identity}
	s.page = ocr.Page{Engine: r.engine, Models: slices.Clone(r.cfg.Models)}
	for _, stage := range [...]func(context.Context) error{s.enhance, s.orient, s.read, s.correct, s.order} {
		if err := ctx.Err(); err != nil {
			return ocr.Page{}, &pipeline.Failure{Reason: pipeline.ReasonOf(err), Err: fmt.Errorf("read page: %w", err)}
		}
		if err := stage(ctx); err != nil {
			return ocr.Page{}, fmt.Errorf("read page: %w", err)
		}
	}
	s.restore(picture.Width, picture.Height)
	return s.page, nil
}

// Close implements [ocr.Recognizer].
func (r *Reader) Close() error {
	r.close.Do(func() {
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		r.running.Wait()
		if r.cfg.Close != nil {
			r.closing = r.cfg.Close()
		}
	})
	return r.closing
}

// sheet is a page on its way through the stages. Its page's coordinates are those of picture, until restore.
type sheet struct {
	cfg        *Config
	options    ocr.Options
	picture    *imaging.Raster // cleaned and turned upright, as far as the stages have got
	toOriginal ocr.Affine      // from picture's pixels to the original's
	page       ocr.Page
}

func (s *sheet) step(format string, args ...any) {
	s.page.Steps = append(s.page.Steps, fmt.Sprintf(format, args...))
}

func (s *sheet) timed(stage string) func() {
	start := time.Now()
	return func() { s.cfg.OnStage(stage, time.Since(start)) }
}

func (s *sheet) enhance(ctx context.Context) error {
	if s.cfg.Enhancer == nil || s.options.NoEnhance {
		return nil
	}
	defer s.timed("enhance")()
	e, err := s.cfg.Enhancer.Enhance(ctx, s.picture, ocr.EnhanceOptions{})
	if err != nil {
		return err
	}
	if err := e.Picture.Validate(); err != nil {
		return fmt.Errorf("enhance: %w", err)
	}
	toEnhanced, ok := e.ToOriginal.Inverse()
	if !ok {
		return errors.New("enhance: its transform cannot be undone")
	}
	s.picture, s.toOriginal = e.Picture, e.ToOriginal
	s.page.Skew, s.page.Quality = e.Skew, e.Quality
	s.page.Regions = append(s.page.Regions, e.Regions...)
	s.mapPage(toEnhanced)
	s.page.Steps = append(s.page.Steps, e.Steps...)
	return nil
}

func (s *sheet) orient(ctx context.Context) error {
	if s.cfg.Orienter == nil || s.options.NoOrient {
		return nil
	}
	defer s.timed("orient")()
	o, err := s.cfg.Orienter.DetectOrientation(ctx, s.picture, !s.cfg.Unverified)
	if err != nil {
		return err
	}
	s.page.Rotation, s.page.RotationConfidence, s.page.RotationVerified = o.Degrees, o.Confidence, o.Verified
	if o.Verified {
		s.step("orientation verified by reading")
	}
	if o.Degrees == 0 {
		return nil
	}
	t, err := turnFor(o.Degrees, s.picture.Width, s.picture.Height)
	if err != nil {
		return fmt.Errorf("orient: %w", err)
	}
	forth, _ := t.back.Inverse()
	s.picture, s.toOriginal = imaging.Orient(s.picture, t.upright), t.back.Then(s.toOriginal)
	s.mapPage(forth)
	s.step("turned by %d degrees", (360-o.Degrees)%360)
	return nil
}

// scrap is the length, in characters, up to which what was read on average is no lines of text but chance.
const scrap = 4

// Lines of nothing but marks are spots that a fax or a seal left, where there are more than mostMarks of them and they are more than
// markedShare of all.
const (
	mostMarks   = 8
	markedShare = 0.25
)

// withoutSpots leaves out lines of nothing but punctuation marks, where a page has so many that no text has.
func withoutSpots(lines []ocr.Line) []ocr.Line {
	spots := func(l ocr.Line) bool {
		return strings.Trim(l.Text, " .,:;'\"*-，。、：；“”‘’·！？!?%") == ""
	}
	n := 0
	for _, l := range lines {
		if spots(l) {
			n++
		}
	}
	if n <= mostMarks || float64(n) <= markedShare*float64(len(lines)) {
		return lines
	}
	return slices.DeleteFunc(lines, spots)
}

// texture tells that what was read of so many places is no text, but noise or a pattern taken for it: most places could not be
// read at all, and of the others came scraps. Lines that are read among worse ones on a spoilt page are longer.
func texture(lines []ocr.Line, found int) bool {
	characters := 0
	for _, l := range lines {
		characters += utf8.RuneCountInString(l.Text)
	}
	return found > 2*len(lines) && characters < scrap*len(lines)
}

func (s *sheet) read(ctx context.Context) error {
	regions, err := s.detect(ctx)
	if err != nil {
		return err
	}
	defer s.timed("recognise")()
	candidates := text.MaxReadings // the corrector chooses among more than answers hold
	if s.cfg.Corrector == nil || s.options.NoCorrect {
		candidates = s.options.Candidates
	}
	lines, err := s.cfg.Lines.Read(ctx, s.picture, regions, text.ReadOptions{Candidates: candidates})
	if err != nil {
		return err
	}
	found := len(lines)
	s.page.Lines = slices.DeleteFunc(lines, func(l ocr.Line) bool { return l.Text == "" })
	if texture(s.page.Lines, found) {
		s.page.Lines = nil
	}
	s.page.Lines = withoutSpots(s.page.Lines)
	trimInkless(s.page.Lines, s.picture)
	read := len(s.page.Lines)
	s.page.Lines = fieldsApart(s.page.Lines)
	// Faint writing and mere texture look alike here: that something was left out is said, what it may be is not.
	if n := found - read; n > 0 {
		s.step("%d places that look like text could not be read", n)
	}
	if len(s.page.Lines) == 0 {
		s.step("no text found")
	}
	return nil
}

func (s *sheet) detect(ctx context.Context) ([]text.Region, error) {
	defer s.timed("detect")()
	if l := s.options.Layout; l == ocr.LayoutLine || l == ocr.LayoutWord {
		whole := ocr.Box{W: float32(s.picture.Width), H: float32(s.picture.Height)}
		return []text.Region{{Polygon: whole.Polygon(), Score: 1}}, nil
	}
	regions, err := s.cfg.Detector.Detect(ctx, s.picture, text.DetectOptions{})
	if err != nil || s.cfg.Direction == nil {
		return regions, err
	}
	return s.cfg.Direction.Turn(ctx, s.picture, regions)
}

func (s *sheet) correct(ctx context.Context) error {
	if s.cfg.Corrector == nil || s.options.NoCorrect || len(s.page.Lines) == 0 {
		return nil
	}
	defer s.timed("correct")()
	if err := s.cfg.Corrector.Correct(ctx, &s.page, s.options.CorrectNames); err != nil {
		return err
	}
	if n := len(s.page.Corrections); n > 0 {
		s.step("%d characters corrected", n)
	}
	for _, l := range s.page.Lines {
		for _, w := range l.Words {
			for i, c := range w.Symbols {
				if n := s.options.Candidates; n == 0 {
					w.Symbols[i].Candidates = nil
				} else if len(c.Candidates) > n {
					w.Symbols[i].Candidates = c.Candidates[:n]
				}
			}
		}
	}
	return nil
}

func (s *sheet) order(ctx context.Context) error {
	if s.cfg.Orderer == nil || s.options.NoOrder || len(s.page.Lines) == 0 {
		return nil
	}
	defer s.timed("order")()
	s.page.Width, s.page.Height = s.picture.Width, s.picture.Height
	return s.cfg.Orderer.Order(ctx, &s.page, s.picture)
}

// restore takes the page's coordinates back to the original's pixels.
func (s *sheet) restore(width, height int) {
	s.page.Width, s.page.Height = width, height
	if s.toOriginal != ocr.Identity {
		s.mapPage(s.toOriginal)
	}
}

// mapPage takes all coordinates of the page along.
func (s *sheet) mapPage(a ocr.Affine) {
	along := func(points []ocr.Point) []ocr.Point {
		if points == nil {
			return nil
		}
		out := make([]ocr.Point, len(points))
		for i, p := range points {
			out[i] = a.Apply(p)
		}
		return out
	}
	for i := range s.page.Regions {
		s.page.Regions[i].Outline = along(s.page.Regions[i].Outline)
	}
	for i := range s.page.Lines {
		l := &s.page.Lines[i]
		l.Polygon, l.Outline = a.Polygon(l.Polygon), along(l.Outline)
		for k := range l.Words {
			w := &l.Words[k]
			w.Box = a.Box(w.Box)
			for n := range w.Symbols {
				w.Symbols[n].Box = a.Box(w.Symbols[n].Box)
			}
		}
	}
}
