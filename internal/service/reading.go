package service

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/ocr"
)

// reading is one call's way of reading pages.
type reading struct {
	s      *Document
	o      ocr.Options
	dpi    int
	detail pb.DetailLevel
}

// newReading fills in the server's defaults and notes the settings in the call's evidence.
func (s *Document) newReading(ctx context.Context, c *pb.DocumentConfig) (*reading, error) {
	if s.cfg.Recognizer == nil {
		return nil, rpcerror.New(codes.FailedPrecondition, "ENGINE_UNAVAILABLE",
			fmt.Sprintf("no engine for reading is available: %v; see 'courtsense doctor' on the server", s.cfg.Missing))
	}
	r := &reading{s: s, dpi: s.cfg.DPI, detail: pb.DetailLevel_DETAIL_LEVEL_SYMBOLS}
	r.o.Languages = s.cfg.Languages
	if l := c.GetLanguages(); len(l) > 0 {
		r.o.Languages = l
	}
	if c.GetDpi() > 0 {
		r.dpi = int(c.GetDpi())
	}
	if d := c.GetDetail(); d != pb.DetailLevel_DETAIL_LEVEL_UNSPECIFIED {
		r.detail = d
	}
	ev := evidenceOf(ctx)
	ev.setting("engine", "tesseract")
	ev.setting("languages", strings.Join(r.o.Languages, ","))
	ev.setting("dpi", fmt.Sprint(r.dpi))
	return r, nil
}

// page reads one page; what goes wrong with it is in its result.
func (r *reading) page(ctx context.Context, file pageFile, number int) *pb.PageResult {
	var page *pb.Page
	err := guarded(ctx, func() (err error) {
		page, err = r.read(ctx, file, number)
		return err
	})
	return &pb.PageResult{Number: int32(number), Status: rpcerror.From(err).Proto(), Page: page}
}

func (r *reading) read(ctx context.Context, file pageFile, number int) (*pb.Page, error) {
	picture, dpi, err := file.Picture(ctx, number, r.dpi)
	if err != nil {
		return nil, err
	}
	o := r.o
	o.DPI = dpi
	stage, end := telemetry.Stage(ctx, "recognize")
	page, err := r.s.cfg.Recognizer.Recognize(stage, picture, o)
	end(err)
	if err != nil {
		return nil, err
	}
	for _, l := range r.o.Languages {
		if use, ok := r.s.cfg.Models[l]; ok {
			evidenceOf(ctx).used(use)
		}
	}
	page.Number = number
	m := pageMessage(page, r.detail)
	m.Dpi = int32(dpi)
	return m, nil
}

func pageMessage(p ocr.Page, detail pb.DetailLevel) *pb.Page {
	m := &pb.Page{
		Number: int32(p.Number), Width: int32(p.Width), Height: int32(p.Height), Rotation: int32(p.Rotation),
		Lines: make([]*pb.Line, 0, len(p.Lines)),
	}
	texts := make([]string, 0, len(p.Lines))
	for _, l := range p.Lines {
		line := &pb.Line{Text: l.Text, Confidence: l.Confidence, Polygon: &pb.Polygon{}}
		for _, c := range l.Polygon {
			line.Polygon.Points = append(line.Polygon.Points, &pb.Point{X: c.X, Y: c.Y})
		}
		if detail >= pb.DetailLevel_DETAIL_LEVEL_WORDS {
			for _, w := range l.Words {
				line.Words = append(line.Words, wordMessage(w, detail))
			}
		}
		m.Lines = append(m.Lines, line)
		texts = append(texts, l.Text)
	}
	m.Text = strings.Join(texts, "\n")
	return m
}

func wordMessage(w ocr.Word, detail pb.DetailLevel) *pb.Word {
	word := &pb.Word{Text: w.Text, Confidence: w.Confidence, Box: documentBox(w.Box)}
	if detail >= pb.DetailLevel_DETAIL_LEVEL_SYMBOLS {
		for _, s := range w.Symbols {
			word.Symbols = append(word.Symbols, &pb.Symbol{Text: s.Char, Confidence: s.Confidence, Box: documentBox(s.Box)})
		}
	}
	return word
}

func documentBox(b ocr.Box) *pb.Box { return &pb.Box{X: b.X, Y: b.Y, Width: b.W, Height: b.H} }
