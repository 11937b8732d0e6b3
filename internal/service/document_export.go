package service

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/export"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// mediaTypes of the formats.
var mediaTypes = map[pb.ExportFormat]string{
	pb.ExportFormat_EXPORT_FORMAT_JSON: "application/json",
	pb.ExportFormat_EXPORT_FORMAT_TEXT: "text/plain; charset=utf-8",
	pb.ExportFormat_EXPORT_FORMAT_HOCR: "application/xhtml+xml",
	pb.ExportFormat_EXPORT_FORMAT_ALTO: "application/xml",
	pb.ExportFormat_EXPORT_FORMAT_PDF:  "application/pdf",
}

// Export implements DocumentService.
func (s *Document) Export(ctx context.Context, req *pb.ExportRequest) (*pb.ExportResponse, error) {
	ctx, ev := gather(ctx)
	original := req.GetOriginal().GetContent()
	meta := export.Meta{Title: req.GetTitle(), Version: version.String(), Time: time.Now()}
	if req.GetOriginal() != nil {
		ev.input("original.content", original)
		sum := sha256.Sum256(original)
		meta.SHA256 = hex.EncodeToString(sum[:])
	}
	ev.setting("format", req.GetFormat().String())
	var document ocr.Document
	for i, m := range req.GetPages().GetPages() {
		if err := sized(i, m); err != nil {
			return nil, err
		}
		document.Pages = append(document.Pages, PageFromMessage(m))
	}
	stage, end := telemetry.Stage(ctx, "export")
	var out bytes.Buffer
	err := func() error {
		switch req.GetFormat() {
		case pb.ExportFormat_EXPORT_FORMAT_JSON:
			return ocr.WriteJSON(&out, document)
		case pb.ExportFormat_EXPORT_FORMAT_TEXT:
			return ocr.WriteText(&out, document)
		case pb.ExportFormat_EXPORT_FORMAT_HOCR:
			return inField("pages", export.WriteHOCR(&out, document, meta))
		case pb.ExportFormat_EXPORT_FORMAT_ALTO:
			return inField("pages", export.WriteALTO(&out, document, meta))
		default:
			return s.exportPDF(stage, &out, req, document, meta)
		}
	}()
	end(err)
	if err != nil {
		return nil, err
	}
	return &pb.ExportResponse{Content: out.Bytes(), MediaType: mediaTypes[req.GetFormat()], Provenance: ev.provenance()}, nil
}

// sized refuses a page that can't have been read.
func sized(i int, m *pb.Page) error {
	const most = 1 << 20 // px, more than any picture that is accepted
	if w, h := m.GetWidth(), m.GetHeight(); w < 1 || h < 1 || w > most || h > most {
		at := fmt.Sprintf("pages.pages[%d]", i)
		return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, fmt.Sprintf("%s has %dx%d px: send pages as Recognize answers them", at, w, h),
			rpcerror.Field(at, "width and height must be those of the page's picture"))
	}
	return nil
}

func (s *Document) exportPDF(ctx context.Context, out io.Writer, req *pb.ExportRequest, d ocr.Document, meta export.Meta) error {
	const field = "original.content"
	content := req.GetOriginal().GetContent()
	if req.GetOriginal() == nil {
		return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "a PDF shows the pages: send the original that they were read from",
			rpcerror.Field("original", "needed for PDF"))
	}
	if err := export.CheckOriginal(content); err != nil {
		return inField(field, err)
	}
	file, err := s.open(ctx, content)
	if err != nil {
		return inField(field, err)
	}
	defer file.Close()
	w, err := export.NewPDF(out, meta)
	if err != nil {
		return err
	}
	for i, p := range d.Pages {
		if p.Number < 1 || p.Number > file.Pages() {
			at := fmt.Sprintf("pages.pages[%d].number", i)
			return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue,
				fmt.Sprintf("%s is %d; the original has the pages 1 to %d", at, p.Number, file.Pages()),
				rpcerror.Field(at, "not a page of the original"), rpcerror.Meta("limit", strconv.Itoa(file.Pages())))
		}
		if err := AddToPDF(ctx, w, p, content, file, cmp.Or(int(req.GetPages().GetPages()[i].GetDpi()), s.cfg.DPI)); err != nil {
			return inField("pages", err)
		}
	}
	return w.Close()
}

// Pictures gives access to the pictures of a file's pages.
type Pictures interface {
	Pages() int
	// Picture decodes or renders a page, counted from 1; dpi is used for PDF only. It also returns the resolution, 0 where
	// not known.
	Picture(ctx context.Context, page, dpi int) (r *imaging.Raster, used int, err error)
}

// AddToPDF writes a page with its picture from the file that it was read from: a picture's file goes in as it is where a PDF
// can hold it, else, and from a PDF, as decoded.
func AddToPDF(ctx context.Context, w *export.PDFWriter, p ocr.Page, content []byte, file Pictures, dpi int) error {
	if file.Pages() == 1 {
		if h, err := imaging.Sniff(content); err == nil && (h.Format == imaging.JPEG || h.Format == imaging.PNG) {
			// Its own resolution, which dpi is not, counts.
			if err := w.AddPage(ctx, p, export.Picture{Encoded: content}); err == nil || ctx.Err() != nil {
				return err
			}
		}
	}
	picture, used, err := file.Picture(ctx, p.Number, dpi)
	if err != nil {
		return err
	}
	if picture.Width != p.Width || picture.Height != p.Height {
		return refusal.New(refusal.InvalidValue, "page %d was read from a picture of %dx%d px, the original's has %dx%d: send the file that it was read from",
			p.Number, p.Width, p.Height, picture.Width, picture.Height)
	}
	return w.AddPage(ctx, p, export.Picture{Raster: picture, DPI: float64(used)})
}
