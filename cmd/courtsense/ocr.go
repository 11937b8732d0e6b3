package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// ocrCommand is one run of "courtsense ocr".
type ocrCommand struct {
	format    string
	outDir    string
	annotate  string
	languages []string
	pages     string
	dpi       int
	jobs      int

	c      *console
	conn   *connection
	config *pb.DocumentConfig
	stdin  io.Reader
}

func newOCRCommand() *cobra.Command {
	o := &ocrCommand{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ocr FILE|DIR...",
		Short: "Read the text of pictures and PDF files",
		Long: `Reads the text of JPEG, PNG, TIFF, BMP, WebP and PDF files; "-" is standard input. Of folders, every such file in them is
read. The text goes to standard output, or with -o into a folder, one file each. With --json every character comes with
its place and confidence; docs/cli.md describes the format.

A page that can't be read does not keep the others from being read: it is reported, and the exit code is 1.`,
		Example: `  courtsense ocr complaint.png
  courtsense ocr case.pdf --pages 1-3,7 --json
  courtsense ocr scans/ -o texts/ --annotate marked/
  courtsense ocr contract.tif --languages eng --server court-ai:9090 --tls`,
		Args: atLeastOne("a file or folder to read"),
	}
	connect := addConnectFlags(cmd)
	set := cmd.Flags()
	set.StringVar(&o.format, "format", "text", "text or json")
	set.BoolVar(&asJSON, "json", false, "the same as --format json")
	set.StringVarP(&o.outDir, "output", "o", "", "write one result a file into this folder instead of printing")
	set.StringVar(&o.annotate, "annotate", "", "write each page as a picture with its lines outlined into this folder")
	set.StringSliceVar(&o.languages, "languages", nil, "languages to expect, most frequent first, such as chi_sim,eng (default: the configuration's)")
	set.StringVar(&o.pages, "pages", "", "pages to read of each file, such as 1-3,7,12- (default: all)")
	set.IntVar(&o.dpi, "dpi", 0, "resolution at which PDF pages are rendered, 72 to 600 (default: the configuration's)")
	addJobsFlag(set, &o.jobs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asJSON {
			o.format = "json"
		}
		if err := oneOf("--format", o.format, "text", "json"); err != nil {
			return err
		}
		ranges, err := parsePages(o.pages)
		if err != nil {
			return err
		}
		o.config = &pb.DocumentConfig{Languages: o.languages, Dpi: int32(o.dpi), PageRanges: ranges, Detail: o.detail()}
		o.c, o.stdin = newConsole(cmd), cmd.InOrStdin()
		inputs := findInputs(args, documentSuffixes)
		return onFiles(cmd, o.c, connect, app.Documents, inputs, func(ctx context.Context, conn *connection) error {
			o.conn = conn
			return o.run(ctx, inputs)
		})
	}
	return cmd
}

// detail asks for no more than what is printed: characters are most of an answer.
func (o *ocrCommand) detail() pb.DetailLevel {
	if o.format == "json" {
		return pb.DetailLevel_DETAIL_LEVEL_SYMBOLS
	}
	return pb.DetailLevel_DETAIL_LEVEL_LINES
}

// document is what became of one file.
type document struct {
	pages  []*pb.PageResult // in order
	marked []string         // annotated pictures that were written
	err    error            // why there are no pages, or not all of them
}

func (o *ocrCommand) run(ctx context.Context, inputs []input) error {
	failed := false
	o.c.startBar(len(inputs), "reading")
	defer o.c.endBar()
	inOrder(ctx, len(inputs), o.jobs, func(ctx context.Context, i int) document {
		return o.read(ctx, inputs[i])
	}, func(i int, d document) {
		o.c.step()
		if ctx.Err() != nil && d.err != nil {
			failed = true // interrupted, which is said once
			return
		}
		if err := o.report(inputs[i], d, len(inputs) > 1); err != nil {
			failed = true
		}
	})
	if failed {
		return errReported
	}
	return nil
}

// read recognises one file, and marks its pages when asked to.
func (o *ocrCommand) read(ctx context.Context, in input) document {
	content, err := in.read(ctx, o.stdin)
	if err != nil {
		return document{err: err}
	}
	pages, err := recognizeDocument(ctx, o.conn, content, o.config)
	d := document{pages: pages, err: o.conn.explain(err)}
	if o.annotate != "" && len(pages) > 0 {
		marked, err := annotatePages(ctx, content, pages, filepath.Join(o.annotate, in.name))
		d.marked = marked
		if err != nil {
			d.err = errors.Join(d.err, err)
		}
	}
	return d
}

// recognizeDocument sends one file and returns its pages in order. An error of the file as a whole comes with the pages
// before it.
func recognizeDocument(ctx context.Context, conn *connection, content []byte, config *pb.DocumentConfig) ([]*pb.PageResult, error) {
	stream, err := pb.NewDocumentServiceClient(conn).RecognizeStream(ctx, anySize)
	if err != nil {
		return nil, err
	}
	for _, m := range []*pb.RecognizeStreamRequest{
		{StreamingRequest: &pb.RecognizeStreamRequest_Config{Config: config}},
		{StreamingRequest: &pb.RecognizeStreamRequest_File{File: &pb.StreamedFile{Key: "file", File: &pb.DocumentFile{Content: content}}}},
	} {
		// io.EOF says that the server has ended the stream already; why is what Recv says.
		if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	var pages []*pb.PageResult
	for {
		m, err := stream.Recv()
		if page := m.GetPage(); page != nil {
			pages = append(pages, page.GetResult())
		}
		if end := m.GetFileEnd(); end != nil && end.GetStatus().GetCode() != 0 {
			err = status.ErrorProto(end.GetStatus())
		}
		if err != nil {
			slices.SortFunc(pages, func(a, b *pb.PageResult) int { return cmp.Compare(a.GetNumber(), b.GetNumber()) })
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return pages, err
		}
	}
}

// report prints or writes one file's result, and its errors.
func (o *ocrCommand) report(in input, d document, several bool) error {
	var read ocr.Document
	failed := d.err != nil
	for _, p := range d.pages {
		if st := p.GetStatus(); st.GetCode() != 0 {
			failed = true
			o.c.fail(fmt.Sprintf("%s, page %d", in.path, p.GetNumber()), o.conn.explain(status.ErrorProto(st)))
			continue
		}
		read.Pages = append(read.Pages, pageFromMessage(p.GetPage()))
	}
	if d.err != nil {
		o.c.fail(in.path, d.err)
	}
	var err error
	if d.err != nil && len(d.pages) == 0 {
		if o.format == "json" && o.outDir == "" {
			err = jsonLines{o.c.out, several}.failed(in.path, d.err)
		}
	} else {
		err = o.write(in, read, several)
	}
	if err != nil {
		o.c.fail(in.path, err)
	}
	if failed || err != nil {
		return errReported
	}
	return nil
}

func (o *ocrCommand) write(in input, d ocr.Document, several bool) error {
	if o.outDir != "" {
		var b bytes.Buffer
		write, suffix := ocr.WriteText, ".txt"
		if o.format == "json" {
			write, suffix = ocr.WriteJSON, ".json"
		}
		if err := write(&b, d); err != nil {
			return err
		}
		return writeFile(filepath.Join(o.outDir, in.name+suffix), b.Bytes())
	}
	o.c.erase()
	if o.format == "json" {
		return jsonLines{o.c.out, several}.result(in.path, func(w io.Writer) error { return ocr.WriteJSON(w, d) })
	}
	if several {
		fmt.Fprintf(o.c.out, "== %s ==\n", in.path)
	}
	return ocr.WriteText(o.c.out, d)
}

// pageFromMessage turns the contract's page into the project's own.
func pageFromMessage(m *pb.Page) ocr.Page {
	p := ocr.Page{Number: int(m.GetNumber()), Width: int(m.GetWidth()), Height: int(m.GetHeight()), Rotation: int(m.GetRotation())}
	for _, l := range m.GetLines() {
		line := ocr.Line{Text: l.GetText(), Confidence: l.GetConfidence()}
		for i, point := range l.GetPolygon().GetPoints() {
			if i < len(line.Polygon) {
				line.Polygon[i] = ocr.Point{X: point.GetX(), Y: point.GetY()}
			}
		}
		for _, w := range l.GetWords() {
			word := ocr.Word{Text: w.GetText(), Confidence: w.GetConfidence(), Box: boxFromMessage(w.GetBox())}
			for _, s := range w.GetSymbols() {
				word.Symbols = append(word.Symbols, ocr.Symbol{Char: s.GetText(), Box: boxFromMessage(s.GetBox()), Confidence: s.GetConfidence()})
			}
			line.Words = append(line.Words, word)
		}
		p.Lines = append(p.Lines, line)
	}
	return p
}

func boxFromMessage(b *pb.Box) ocr.Box {
	return ocr.Box{X: b.GetX(), Y: b.GetY(), W: b.GetWidth(), H: b.GetHeight()}
}

// annotatePages writes each read page as PREFIX.page-N.png with its lines outlined, and returns the paths.
func annotatePages(ctx context.Context, content []byte, pages []*pb.PageResult, prefix string) ([]string, error) {
	picture, done, err := openPages(ctx, content)
	if err != nil {
		return nil, fmt.Errorf("can't mark the pages: %w", err)
	}
	defer done()
	var written []string
	for _, p := range pages {
		if p.GetPage() == nil {
			continue
		}
		r, err := picture(int(p.GetNumber()), int(p.GetPage().GetDpi()))
		if err == nil {
			err = ocr.Annotate(r, pageFromMessage(p.GetPage()))
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

// openPages gives access to a file's pages as the server saw them.
func openPages(ctx context.Context, content []byte) (picture func(page, dpi int) (*imaging.Raster, error), done func(), err error) {
	if pdf.Sniff(content) {
		d, err := pdf.Open(ctx, content, pdf.DefaultLimits())
		if err != nil {
			return nil, nil, err
		}
		return func(page, dpi int) (*imaging.Raster, error) { return d.Render(ctx, page, float64(dpi)) },
			func() { _ = d.Close() }, nil
	}
	d, err := codec.Open(content, imaging.DefaultLimits())
	if err != nil {
		return nil, nil, err
	}
	return func(page, _ int) (*imaging.Raster, error) { return d.Page(ctx, page) }, func() {}, nil
}

// parsePages reads "1-3,7,12-".
func parsePages(text string) ([]*pb.PageRange, error) {
	if text == "" {
		return nil, nil
	}
	var ranges []*pb.PageRange
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.ParseInt(from, 10, 32)
		last := first
		if err == nil && isRange {
			last = 0
			if to != "" {
				last, err = strconv.ParseInt(to, 10, 32)
			}
		}
		if err != nil || first < 1 || (last != 0 && last < first) || (isRange && to != "" && last == 0) {
			return nil, usagef("--pages: %q is not a page or range of pages from 1, such as 7, 1-3 or 12-", part)
		}
		ranges = append(ranges, &pb.PageRange{First: int32(first), Last: int32(last)})
	}
	return ranges, nil
}

func defaultJobs() int { return min(4, runtime.GOMAXPROCS(0)) }
