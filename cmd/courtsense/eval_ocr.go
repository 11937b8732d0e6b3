package main

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/ocr"
)

// evalReading is one run of "courtsense eval ocr".
type evalReading struct {
	engine, compare string
	languages       []string
	options         ocr.Options
}

func newEvalOCRCommand() *cobra.Command {
	e := &evalReading{}
	cmd := &cobra.Command{
		Use:   "ocr DIR",
		Short: "Measure reading: character error rate, lines exactly right, calibration, boxes, pages a second",
		Long: `Reads NAME.jpg (.jpeg, .png, .tif, .tiff, .bmp, .webp, .pdf) and compares with the lines in NAME.txt, where a form feed
parts the pages. A file that can't be read counts as read empty. Where NAME.json tells more of a page (docs/accuracy.md), its
direction and the boxes of its characters are compared too, and the result is broken down by kind, font and damage.

With --compare tesseract every file is read by both, one thread each, and the report gives the ratios.`,
		Example: `  courtsense eval ocr testdata/documents
  courtsense eval ocr pages/ --engine tesseract --languages eng --json --raw raw.jsonl
  courtsense eval ocr pages/ --compare tesseract
  courtsense eval ocr pages/ --score raw.jsonl`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.StringVar(&e.engine, "engine", "", "what reads: onnx or tesseract (default: the configuration's)")
	set.StringVar(&e.compare, "compare", "", "read every file with this engine too: tesseract")
	set.BoolVar(&e.options.NoOrient, "no-orient", false, "take pages to be upright")
	set.BoolVar(&e.options.NoEnhance, "no-enhance", false, "do not clean pages before reading")
	set.BoolVar(&e.options.NoCorrect, "no-correct", false, "do not correct doubtful characters by the language model")
	set.StringSliceVar(&e.languages, "languages", nil, "languages to expect, most frequent first, such as chi_sim,eng (default: the configuration's)")
	// The same flag as that of "courtsense ocr".
	set.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "lang" {
			name = "languages"
		}
		return pflag.NormalizedName(name)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		c, dir := newConsole(cmd), args[0]
		if f.score != "" {
			return scoreFile(f, c, eval.ReadPages, func(records []eval.PageRecord) (eval.OCRReport, error) {
				r, err := eval.ScorePages(dir, records)
				r.Setting = setting()
				return r, err
			})
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		e.engine = cmp.Or(e.engine, loaded.OCR.Engine)
		if err := oneOf("--engine", e.engine, app.EngineAuto, app.EngineONNX, app.EngineTesseract); err != nil {
			return err
		}
		if e.compare != "" {
			if err := oneOf("--compare", e.compare, app.EngineTesseract); err != nil {
				return err
			}
			if cmd.Flags().Changed("jobs") && f.jobs != 1 {
				return usagef("--compare reads on one thread: --jobs %d does not go with it", f.jobs)
			}
			f.jobs = 1
		}
		return f.run(c, "reading", func(run eval.Run) error {
			r, err := e.measure(cmd.Context(), c, loaded.Config, run, dir)
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

func (e *evalReading) measure(ctx context.Context, c *console, cfg conf.Config, run eval.Run, dir string) (r eval.OCRReport, err error) {
	if len(e.languages) > 0 {
		cfg.OCR.Languages = e.languages
	}
	cfg.OCR.Engine, cfg.OCR.Workers = e.engine, run.Jobs
	if e.compare != "" {
		// One thread each: one run of a model at a time, on one thread, and Go's own work on one.
		cfg.Models.IntraThreads, cfg.Models.Instances = 1, 1
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	a, err := evalApp(ctx, c, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	measure := eval.OCR{Run: run, Options: e.options, DPI: cfg.OCR.DPI, Images: app.ImageLimits(cfg.Limits), PDF: app.PDFLimits(cfg.Limits)}
	var uses []*pb.ModelUse
	if measure.Recognizer, uses, err = a.PageReader(e.engine); err != nil {
		return r, err
	}
	if e.compare != "" {
		var theirs []*pb.ModelUse
		if measure.Peer, theirs, err = a.PageReader(e.compare); err != nil {
			return r, err
		}
		uses = append(uses, theirs...)
	}
	if r, err = measure.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Languages = cfg.OCR.Languages
	r.Models = evalModels(uses)
	return r, nil
}

// evalApp assembles what reads pages, without ports.
func evalApp(ctx context.Context, c *console, cfg conf.Config) (*app.App, error) {
	a, err := app.New(ctx, cfg, app.Options{Logger: c.logger(), Parts: app.Documents, Progress: func(step string) { c.status("%s ...", step) }})
	c.erase()
	return a, err
}

func evalModels(uses []*pb.ModelUse) []eval.Model {
	out := []eval.Model{}
	for _, u := range uses {
		source := strings.ToLower(strings.TrimPrefix(u.GetSource().String(), "MODEL_SOURCE_"))
		out = append(out, eval.Model{ID: strings.TrimPrefix(u.GetName(), "models/"), Version: u.GetVersion(), SHA256: u.GetSha256(), Source: source, Device: u.GetDevice()})
	}
	return out
}

func newEvalOrientCommand() *cobra.Command {
	var threshold float64
	cmd := &cobra.Command{
		Use:   "orient DIR",
		Short: "Measure which way up pages are taken to be, and how fast",
		Long: `Asks for the direction of each NAME.jpg (.jpeg, .png, .tif, .tiff, .bmp, .webp), from its bytes to the answer, and compares
with NAME.json's "rotation" or the number in NAME.txt: 0, 90, 180 or 270 degrees clockwise from upright. Answers below the
model's threshold are verified by reading, as the service does. A file that can't be read counts as wrong.`,
		Example: `  courtsense eval orient turned/
  courtsense eval orient turned/ --json --raw raw.jsonl
  courtsense eval orient turned/ --score raw.jsonl`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	cmd.Flags().Float64Var(&threshold, "threshold", 0.9, "with --score: the confidence from which answers are counted as sure")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(); err != nil {
			return err
		}
		c, dir := newConsole(cmd), cmd.Flags().Arg(0)
		if f.score != "" {
			return scoreFile(f, c, eval.ReadOrientations, func(records []eval.OrientRecord) (eval.OrientReport, error) {
				r := eval.ScoreOrientations(records, threshold)
				r.Setting = setting()
				return r, nil
			})
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		return f.run(c, "looking", func(run eval.Run) error {
			r, err := evalOrient(cmd.Context(), c, loaded.Config, run, dir)
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

func evalOrient(ctx context.Context, c *console, cfg conf.Config, run eval.Run, dir string) (r eval.OrientReport, err error) {
	cfg.OCR.Engine = app.EngineONNX
	a, err := evalApp(ctx, c, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	threshold, use, err := a.OrientationThreshold()
	if err != nil {
		return r, err
	}
	measure := eval.Orient{Run: run, Detect: a.Orientation, Threshold: float64(threshold)}
	if r, err = measure.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Models = evalModels([]*pb.ModelUse{use})
	return r, nil
}
