package main

import (
	"cmp"
	"context"
	"errors"
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
)

// ocrCommand is one run of "courtsense ocr".
type ocrCommand struct {
	format                       string
	outDir                       string
	merge                        string
	force                        bool
	annotate                     string
	engine                       string
	noOrient, noEnhance, noFixes bool
	correctNames                 bool
	candidates                   int
	languages                    []string
	pages                        string
	dpi                          int
	jobs                         int

	c      *console
	conn   *connection
	config *pb.DocumentConfig
	stdin  io.Reader
}

// ocrFormat is a way to write what was read.
type ocrFormat struct {
	suffix string
	export pb.ExportFormat
	detail pb.DetailLevel // no more than what is written: characters are most of an answer
	inline bool           // results of several files can be printed one after the other
}

var ocrFormats = map[string]ocrFormat{
	"text": {".txt", pb.ExportFormat_EXPORT_FORMAT_TEXT, pb.DetailLevel_DETAIL_LEVEL_LINES, true},
	"json": {".json", pb.ExportFormat_EXPORT_FORMAT_JSON, pb.DetailLevel_DETAIL_LEVEL_SYMBOLS, true},
	"hocr": {".hocr", pb.ExportFormat_EXPORT_FORMAT_HOCR, pb.DetailLevel_DETAIL_LEVEL_SYMBOLS, false},
	"alto": {".alto.xml", pb.ExportFormat_EXPORT_FORMAT_ALTO, pb.DetailLevel_DETAIL_LEVEL_SYMBOLS, false},
	"pdf":  {".pdf", pb.ExportFormat_EXPORT_FORMAT_PDF, pb.DetailLevel_DETAIL_LEVEL_SYMBOLS, false},
}

var ocrEngines = map[string]pb.OcrEngine{
	"":          pb.OcrEngine_OCR_ENGINE_UNSPECIFIED,
	"auto":      pb.OcrEngine_OCR_ENGINE_UNSPECIFIED,
	"onnx":      pb.OcrEngine_OCR_ENGINE_ONNX,
	"tesseract": pb.OcrEngine_OCR_ENGINE_TESSERACT,
	"compare":   pb.OcrEngine_OCR_ENGINE_COMPARE,
}

func newOCRCommand() *cobra.Command {
	o := &ocrCommand{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ocr FILE|DIR...",
		Short: "Read the text of pictures and PDF files",
		Long: `Reads the text of JPEG, PNG, TIFF, BMP, WebP and PDF files, whichever way up; "-" is standard input. Of folders, every
such file in them is read. The text goes to standard output, or with -o into a folder, one file each: as text, JSON (every
character with its place and confidence), hOCR, ALTO 4 or searchable PDF/A. With --merge the pages of all files become one PDF.

With -o a file whose result is there already, and newer than the file, is skipped: what was interrupted goes on where it was.
A page that can't be read does not keep the others from being read: it is reported, the result is written as NAME.incomplete,
and the exit code is 1.`,
		Example: `  courtsense ocr complaint.png
  courtsense ocr case.pdf --pages 1-3,7 --json
  courtsense ocr scans/ -o texts/ --annotate marked/
  courtsense ocr scans/ -o searchable/ --format pdf
  courtsense ocr page-*.jpg --merge case.pdf
  courtsense ocr evidence.jpg --engine compare --json
  courtsense ocr contract.tif --server court-ai:9090 --tls`,
		Args: atLeastOne("a file or folder to read"),
	}
	connect := addConnectFlags(cmd)
	set := cmd.Flags()
	set.StringVar(&o.format, "format", "text", "text, json, hocr, alto or pdf (searchable PDF/A-2b)")
	set.BoolVar(&asJSON, "json", false, "the same as --format json")
	set.StringVarP(&o.outDir, "output", "o", "", "write one result a file into this `folder` instead of printing; files that are done are skipped")
	set.BoolVar(&o.force, "force", false, "with -o: read files again that are done")
	set.StringVar(&o.merge, "merge", "", "write the pages of all files into this one searchable PDF `file`")
	set.StringVar(&o.annotate, "annotate", "", "write each page as a picture with its lines, their order and corrected characters marked into this `folder`")
	set.StringVar(&o.engine, "engine", "", "what reads: onnx, tesseract, or compare for both and where they differ (default: the configuration's)")
	set.BoolVar(&o.noOrient, "no-orient", false, "take pages to be upright")
	set.BoolVar(&o.noEnhance, "no-enhance", false, "do not clean pages before reading")
	set.BoolVar(&o.noFixes, "no-correct", false, "do not correct doubtful characters by the language model")
	set.BoolVar(&o.correctNames, "correct-names", false, "let correction touch names of persons and companies too")
	set.IntVar(&o.candidates, "candidates", 0, "other readings of each character in JSON, 0 to 5")
	set.StringSliceVar(&o.languages, "languages", nil, "languages to expect, most frequent first, such as chi_sim,eng (default: the configuration's)")
	set.StringVar(&o.pages, "pages", "", "pages to read of each file, such as 1-3,7,12- (default: all)")
	set.IntVar(&o.dpi, "dpi", 0, "resolution at which PDF pages are rendered, 72 to 600 (default: the configuration's)")
	addJobsFlag(set, &o.jobs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asJSON {
			o.format = "json"
		}
		inputs := findInputs(args, documentSuffixes)
		if err := o.check(cmd, inputs); err != nil {
			return err
		}
		o.c, o.stdin = newConsole(cmd), cmd.InOrStdin()
		if o.merge != "" {
			return onFiles(cmd, o.c, connect, app.Documents, inputs, func(ctx context.Context, conn *connection) error {
				o.conn = conn
				return o.mergeAll(ctx, inputs)
			})
		}
		left, done := o.undone(inputs)
		if done > 0 {
			o.c.note("%s done already and skipped; --force reads them again", plural(done, "file"))
		}
		if len(left) == 0 && done > 0 {
			return nil
		}
		return onFiles(cmd, o.c, connect, app.Documents, left, func(ctx context.Context, conn *connection) error {
			o.conn = conn
			return o.run(ctx, left, len(inputs) > 1)
		})
	}
	return cmd
}

// check refuses flags that contradict each other, and makes the configuration of the call.
func (o *ocrCommand) check(cmd *cobra.Command, inputs []input) error {
	if err := oneOf("--format", o.format, "text", "json", "hocr", "alto", "pdf"); err != nil {
		return err
	}
	if o.engine != "" {
		if err := oneOf("--engine", o.engine, "auto", "onnx", "tesseract", "compare"); err != nil {
			return err
		}
	}
	format := ocrFormats[o.format]
	switch {
	case o.candidates < 0 || o.candidates > ocr.MaxCandidates:
		return usagef("--candidates %d is out of range: 0 to %d", o.candidates, ocr.MaxCandidates)
	case o.merge != "" && (o.outDir != "" || o.annotate != ""):
		return usagef("--merge makes one PDF; -o and --annotate do not go with it")
	case o.merge != "" && cmd.Flags().Changed("format") && o.format != "pdf":
		return usagef("--merge makes one PDF; --format %s does not go with it", o.format)
	case o.merge != "":
		format = ocrFormats["pdf"]
	case o.force && o.outDir == "":
		return usagef("--force is for -o")
	case o.outDir == "" && !format.inline && len(inputs) > 1:
		return usagef("--format %s of several files needs a folder: add -o DIR", o.format)
	}
	for _, in := range inputs {
		target := o.merge
		if o.outDir != "" {
			target = o.target(in)
		}
		if target != "" && sameFile(target, in.path) {
			return usagef("%s would be written over: choose another folder with -o", in.path)
		}
	}
	ranges, err := parsePages(o.pages)
	if err != nil {
		return err
	}
	o.config = &pb.DocumentConfig{
		Engine: ocrEngines[o.engine], Languages: o.languages, Dpi: int32(o.dpi), PageRanges: ranges, Detail: format.detail,
		CorrectNames: o.correctNames, MaxCandidates: int32(o.candidates),
	}
	if o.annotate != "" {
		o.config.Detail = pb.DetailLevel_DETAIL_LEVEL_SYMBOLS // corrected characters are marked where they are
	}
	for _, off := range []struct {
		set   bool
		turns **bool
	}{{o.noOrient, &o.config.Orient}, {o.noEnhance, &o.config.Enhance}, {o.noFixes, &o.config.Correct}} {
		if off.set {
			*off.turns = new(bool)
		}
	}
	return nil
}

// document is what became of one file.
type document struct {
	pages  []*pb.PageResult // in order
	result []byte           // of the pages that were read, in the format; nil when there are none
	marked []string         // annotated pictures that were written
	err    error            // why there are no pages, or not all of them
}

func (o *ocrCommand) run(ctx context.Context, inputs []input, several bool) error {
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
		if err := o.report(inputs[i], d, several); err != nil {
			failed = true
		}
	})
	if failed {
		return errReported
	}
	return nil
}

// read recognises one file, writes its result in the format, and marks its pages when asked to.
func (o *ocrCommand) read(ctx context.Context, in input) document {
	content, err := in.read(ctx, o.stdin)
	if err != nil {
		return document{err: err}
	}
	pages, err := recognizeDocument(ctx, o.conn, content, o.config)
	d := document{pages: pages, err: o.conn.explain(err)}
	if d.err == nil || len(pages) > 0 {
		d.result, err = o.export(ctx, in, content, pages)
		d.err = errors.Join(d.err, o.conn.explain(err))
	}
	if o.annotate != "" && len(pages) > 0 {
		marked, err := annotatePages(ctx, content, pages, filepath.Join(o.annotate, in.name))
		d.marked = marked
		d.err = errors.Join(d.err, err)
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
