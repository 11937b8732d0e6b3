package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/export"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// target is where a file's result is written.
func (o *ocrCommand) target(in input) string {
	return filepath.Join(o.outDir, in.name+ocrFormats[o.format].suffix)
}

// incomplete is where a result is written that lacks pages, so that nobody takes it for all of the file.
func incomplete(target string) string { return target + ".incomplete" }

// sameFile tells whether two paths lead to one file, which must then exist.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// undone leaves out the files whose results are there already.
func (o *ocrCommand) undone(inputs []input) (left []input, done int) {
	if o.outDir == "" || o.force {
		return inputs, 0
	}
	for _, in := range inputs {
		if in.err == nil && in.path != "-" && newerThan(o.target(in), in.path) && (o.annotate == "" || o.isMarked(in)) {
			done++
			continue
		}
		left = append(left, in)
	}
	return left, done
}

// newerThan tells whether a result was written after its input last changed. Results are put into place in one step, so
// that one that is there is whole.
func newerThan(result, input string) bool {
	r, errResult := os.Stat(result)
	i, errInput := os.Stat(input)
	return errResult == nil && errInput == nil && r.Mode().IsRegular() && r.ModTime().After(i.ModTime())
}

func (o *ocrCommand) isMarked(in input) bool {
	marked, _ := filepath.Glob(globQuote(filepath.Join(o.annotate, in.name)) + ".page-*.png")
	return len(marked) > 0 && newerThan(marked[0], in.path)
}

// globQuote makes a path match itself only.
func globQuote(path string) string {
	var b bytes.Buffer
	for _, c := range []byte(path) {
		if bytes.IndexByte([]byte(`*?[\`), c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// export turns the pages that were read into the format. Text and JSON are written here; they are the same bytes that the
// service would write.
func (o *ocrCommand) export(ctx context.Context, in input, content []byte, results []*pb.PageResult) ([]byte, error) {
	pages := &pb.Pages{}
	var read ocr.Document
	for _, r := range results {
		if r.GetPage() != nil {
			pages.Pages = append(pages.Pages, r.GetPage())
			read.Pages = append(read.Pages, service.PageFromMessage(r.GetPage()))
		}
	}
	var b bytes.Buffer
	switch format := ocrFormats[o.format]; {
	case o.format == "text":
		err := ocr.WriteText(&b, read)
		return append([]byte{}, b.Bytes()...), err // not nil where there is no text
	case o.format == "json":
		err := ocr.WriteJSON(&b, read)
		return b.Bytes(), err
	case len(pages.Pages) == 0:
		return nil, nil // the pages' own errors say why
	default:
		request := &pb.ExportRequest{Pages: pages, Format: format.export, Title: filepath.Base(in.path)}
		if o.format == "pdf" {
			request.Original = &pb.DocumentFile{Content: content}
		}
		answer, err := pb.NewDocumentServiceClient(o.conn).Export(ctx, request, anySize)
		return answer.GetContent(), err
	}
}

// report prints or writes one file's result, and its errors.
func (o *ocrCommand) report(in input, d document, several bool) error {
	failed := d.err != nil
	for _, p := range d.pages {
		if st := p.GetStatus(); st.GetCode() != 0 {
			failed = true
			o.c.fail(fmt.Sprintf("%s, page %d", in.path, p.GetNumber()), o.conn.explain(status.ErrorProto(st)))
		}
	}
	if d.err != nil {
		o.c.fail(in.path, d.err)
	}
	var err error
	switch {
	case d.result != nil:
		err = o.write(in, d.result, several, failed)
	case o.format == "json" && o.outDir == "":
		err = jsonLines{o.c.out, several}.failed(in.path, d.err)
	}
	if err != nil {
		o.c.fail(in.path, err)
	}
	if failed || err != nil {
		return errReported
	}
	return nil
}

func (o *ocrCommand) write(in input, result []byte, several, failed bool) error {
	if o.outDir != "" {
		target := o.target(in)
		if failed {
			return writeFile(incomplete(target), result)
		}
		err := writeFile(target, result)
		if err == nil {
			// What an earlier run left of the same file is outdated now.
			if err = os.Remove(incomplete(target)); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		}
		return err
	}
	o.c.erase()
	if o.format == "json" {
		return jsonLines{o.c.out, several}.result(in.path, func(w io.Writer) error {
			_, err := w.Write(result)
			return err
		})
	}
	if several {
		fmt.Fprintf(o.c.out, "== %s ==\n", in.path)
	}
	_, err := o.c.out.Write(result)
	return err
}

// mergeAll reads every file and writes their pages, in the order of the command line, into one PDF, page by page. When a
// page can't be read the file is written as incomplete.
func (o *ocrCommand) mergeAll(ctx context.Context, inputs []input) (err error) {
	folder := filepath.Dir(o.merge)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("can't make the folder: %w", err)
	}
	f, err := os.CreateTemp(folder, ".courtsense-*")
	if err != nil {
		return fmt.Errorf("can't write %s: %w", o.merge, reasonOf(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	defer func() {
		if _, gone := os.Stat(f.Name()); gone == nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w, err := export.NewPDF(f, export.Meta{Title: filepath.Base(o.merge), Version: version.String()})
	if err != nil {
		return err
	}
	failed, written := false, 0
	fail := func(subject string, err error) {
		failed = true
		if ctx.Err() == nil {
			o.c.fail(subject, err)
		}
	}
	type read struct {
		content []byte
		pages   []*pb.PageResult
		err     error
	}
	o.c.startBar(len(inputs), "reading")
	defer o.c.endBar()
	inOrder(ctx, len(inputs), o.jobs, func(ctx context.Context, i int) read {
		content, err := inputs[i].read(ctx, o.stdin)
		if err == nil {
			err = export.CheckOriginal(content)
		}
		if err != nil {
			return read{err: err}
		}
		pages, err := recognizeDocument(ctx, o.conn, content, o.config)
		return read{content, pages, o.conn.explain(err)}
	}, func(i int, r read) {
		o.c.step()
		if r.err != nil {
			fail(inputs[i].path, r.err)
		}
		if len(r.pages) == 0 {
			return
		}
		n, err := o.addPages(ctx, w, inputs[i], r.content, r.pages, fail)
		written += n
		if err != nil {
			fail(inputs[i].path, err)
		}
	})
	if ctx.Err() != nil || written == 0 {
		return errReported
	}
	target := o.merge
	if failed {
		target = incomplete(target)
	}
	if err := errors.Join(w.Close(), f.Chmod(0o644), f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return fmt.Errorf("can't write %s: %w", target, reasonOf(err))
	}
	if failed {
		return errReported
	}
	return nil
}

// addPages writes one file's pages into the PDF.
func (o *ocrCommand) addPages(ctx context.Context, w *export.PDFWriter, in input, content []byte, results []*pb.PageResult, fail func(string, error)) (written int, err error) {
	file, err := openPages(ctx, content)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, r := range results {
		subject := fmt.Sprintf("%s, page %d", in.path, r.GetNumber())
		if st := r.GetStatus(); st.GetCode() != 0 {
			fail(subject, o.conn.explain(status.ErrorProto(st)))
			continue
		}
		if err := service.AddToPDF(ctx, w, service.PageFromMessage(r.GetPage()), content, file, int(r.GetPage().GetDpi())); err != nil {
			fail(subject, err)
			continue
		}
		written++
	}
	return written, nil
}

// annotatePages writes each read page as PREFIX.page-N.png with its lines outlined, and returns the paths.
func annotatePages(ctx context.Context, content []byte, pages []*pb.PageResult, prefix string) ([]string, error) {
	file, err := openPages(ctx, content)
	if err != nil {
		return nil, fmt.Errorf("can't mark the pages: %w", err)
	}
	defer file.Close()
	var written []string
	for _, p := range pages {
		if p.GetPage() == nil {
			continue
		}
		r, _, err := file.Picture(ctx, int(p.GetNumber()), int(p.GetPage().GetDpi()))
		if err == nil {
			err = ocr.Annotate(r, service.PageFromMessage(p.GetPage()))
		}
		var encoded []byte
		if err == nil {
			encoded, err = codec.EncodePNG(r)
		}
		path := fmt.Sprintf("%s.page-%d.png", prefix, p.GetNumber())
		if err == nil {
			err = writeFile(path, encoded)
		}
		if err != nil {
			return written, fmt.Errorf("can't mark page %d: %w", p.GetNumber(), err)
		}
		written = append(written, path)
	}
	return written, nil
}

// pagesOfFile gives access to a file's pages as the server saw them.
type pagesOfFile interface {
	service.Pictures
	io.Closer
}

func openPages(ctx context.Context, content []byte) (pagesOfFile, error) {
	if pdf.Sniff(content) {
		d, err := pdf.Open(ctx, content, pdf.DefaultLimits())
		if err != nil {
			return nil, err
		}
		return renderedPages{d}, nil
	}
	d, err := codec.Open(content, imaging.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return decodedPages{d}, nil
}

type renderedPages struct{ *pdf.Document }

// Picture implements [service.Pictures].
func (p renderedPages) Picture(ctx context.Context, page, dpi int) (*imaging.Raster, int, error) {
	r, err := p.Render(ctx, page, float64(dpi))
	return r, dpi, err
}

type decodedPages struct{ *codec.Document }

// Picture implements [service.Pictures].
func (p decodedPages) Picture(ctx context.Context, page, _ int) (*imaging.Raster, int, error) {
	r, err := p.Page(ctx, page)
	return r, 0, err
}

// Close implements io.Closer.
func (decodedPages) Close() error { return nil }
