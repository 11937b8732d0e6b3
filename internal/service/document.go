package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// DocumentConfig sets up a [Document].
type DocumentConfig struct {
	Engine           pb.OcrEngine // for requests that name none; unspecified: the models, else Tesseract
	Enhancer         ocr.Enhancer
	Models           *PageModels    // nil when they can't read
	ModelsMissing    error          // why they can't
	Tesseract        ocr.Recognizer // nil when there is none
	TesseractMissing error          // why there is none
	// TesseractModels are its language files, for provenance, by the name of their language.
	TesseractModels map[string]*pb.ModelUse
	Languages       []string // for requests that name none
	Stages          Stages   // for requests that say nothing of them
	Decoder         *codec.Decoder
	Images          imaging.Limits
	PDF             pdf.Limits
	DPI             int // resolution to render PDF pages at
	Parallel        int // pages of one call that are worked on at a time; at least 1
	// Drain is how long running calls may go on when the server shuts down; streams are told.
	Drain time.Duration
}

// Document implements DocumentService.
type Document struct {
	pb.UnimplementedDocumentServiceServer
	cfg DocumentConfig
}

// NewDocument returns the service; the recognisers stay their owner's to close.
func NewDocument(cfg DocumentConfig) *Document {
	cfg.Parallel = max(cfg.Parallel, 1)
	return &Document{cfg: cfg}
}

// Recognize implements DocumentService.
func (s *Document) Recognize(ctx context.Context, req *pb.DocumentServiceRecognizeRequest) (*pb.DocumentServiceRecognizeResponse, error) {
	ctx, ev := gather(ctx)
	ev.input("file.content", req.GetFile().GetContent())
	reading, err := s.newReading(ctx, req.GetConfig())
	if err != nil {
		return nil, err
	}
	file, err := s.open(ctx, req.GetFile().GetContent())
	if err != nil {
		return nil, inField("file.content", err)
	}
	defer file.Close()
	numbers, err := selectPages(req.GetConfig().GetPageRanges(), file.Pages())
	if err != nil {
		return nil, err
	}

	pages := make([]*pb.PageResult, len(numbers))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Parallel)
	for i, n := range numbers {
		group.Go(func() error {
			if err := groupCtx.Err(); err != nil {
				return err
			}
			pages[i] = reading.page(groupCtx, file, n)
			return nil
		})
	}
	// A page's own failure is in its result; what ends the group is the end of the call.
	if err := errorsFirst(ctx.Err(), group.Wait()); err != nil {
		return nil, err
	}
	answer := &pb.DocumentServiceRecognizeResponse{Pages: pages, PageCount: int32(file.Pages())}
	var texts []string
	for _, p := range pages {
		if p.Page != nil {
			texts = append(texts, p.Page.Text)
		}
	}
	answer.Text = strings.Join(texts, "\f")
	answer.Provenance = ev.provenance()
	return answer, nil
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// selectPages lists the pages to read, each once and in order.
func selectPages(ranges []*pb.PageRange, count int) ([]int, error) {
	wanted := make([]bool, count+1)
	if len(ranges) == 0 {
		ranges = []*pb.PageRange{{First: 1}}
	}
	for i, r := range ranges {
		last := int(r.GetLast())
		if last == 0 {
			last = count
		}
		if int(r.GetFirst()) > count || last > count {
			field := fmt.Sprintf("config.page_ranges[%d]", i)
			return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue,
				fmt.Sprintf("%s asks for pages %d to %d; the file has %d", field, r.GetFirst(), last, count),
				rpcerror.Field(field, "beyond the file's last page"), rpcerror.Meta("limit", strconv.Itoa(count)))
		}
		for n := int(r.GetFirst()); n <= last; n++ {
			wanted[n] = true
		}
	}
	var numbers []int
	for n, w := range wanted {
		if w {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// pageFile is an opened file of one or more pages.
type pageFile interface {
	Pages() int
	// Picture decodes or renders a page, counted from 1; dpi is 0 where not known. Safe for concurrent use.
	Picture(ctx context.Context, page int, dpi int) (r *imaging.Raster, used int, err error)
	Close() error
}

// open opens a PDF or picture by its content.
func (s *Document) open(ctx context.Context, content []byte) (pageFile, error) {
	ctx, end := telemetry.Stage(ctx, "open")
	file, err := func() (pageFile, error) {
		if pdf.Sniff(content) {
			d, err := pdf.Open(ctx, content, s.cfg.PDF)
			if err != nil {
				return nil, err
			}
			return pdfFile{d}, nil
		}
		d, err := s.cfg.Decoder.Open(content, s.cfg.Images)
		if r, ok := refusal.As(err); ok && r.Reason == refusal.UnsupportedType {
			return nil, &refusal.Error{Reason: r.Reason, Msg: r.Msg + "; documents may also be PDF", Err: r.Err}
		}
		if err != nil {
			return nil, err
		}
		return pictureFile{d}, nil
	}()
	end(err)
	return file, err
}

type pdfFile struct{ *pdf.Document }

func (f pdfFile) Picture(ctx context.Context, page int, dpi int) (*imaging.Raster, int, error) {
	ctx, end := telemetry.Stage(ctx, "render")
	r, err := f.Render(ctx, page, float64(dpi))
	end(err)
	return r, dpi, err
}

type pictureFile struct{ *codec.Document }

func (f pictureFile) Picture(ctx context.Context, page int, _ int) (*imaging.Raster, int, error) {
	ctx, end := telemetry.Stage(ctx, "decode")
	r, err := f.Page(ctx, page)
	end(err)
	return r, 0, err
}

func (pictureFile) Close() error { return nil }
