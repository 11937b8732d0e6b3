package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/version"
)

func newEvalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval",
		Short: "Measure accuracy and speed on a folder with known answers",
		Long: `Measures how well and how fast the models read pages, compare faces and hear speech: error rates with their 95 % intervals, speed, and
exactly which models gave the results. Files that can't be used are counted and named, never left out in silence.
docs/accuracy.md explains the measures and the folders.

--raw writes every single output as a JSON line. --score computes the report from such a file again, which may come from
another system.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newEvalOCRCommand(), newEvalOrientCommand(), newEvalFaceCommand(), newEvalGateCommand(),
		newEvalASRCommand(), newEvalVADCommand(), newEvalDiarizationCommand(), newEvalPunctuationCommand(), newEvalStatutesCommand(), newEvalRolesCommand(), newEvalRecitalCommand())
	return c
}

// evalFlags are common to all measurements.
type evalFlags struct {
	asJSON     bool
	raw, score string
	limit      int
	jobs       int
	config     *conf.Flags
}

func addEvalFlags(cmd *cobra.Command, names ...string) *evalFlags {
	f := &evalFlags{config: addConfigFlags(cmd, names...)}
	set := cmd.Flags()
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	set.StringVar(&f.raw, "raw", "", "write every output as a JSON line to this file")
	set.StringVar(&f.score, "score", "", "run nothing: score this file, written by --raw")
	set.IntVar(&f.limit, "limit", 0, "use so many samples only, spread evenly over the folder")
	addJobsFlag(set, &f.jobs)
	cmd.MarkFlagsMutuallyExclusive("raw", "score")
	return f
}

func (f *evalFlags) check() error {
	if f.limit < 0 || f.jobs < 1 || f.jobs > 64 {
		return usagef("--limit is not negative, and --jobs is 1 to 64")
	}
	return nil
}

func oneFolder(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("name one folder; see '%s --help'", cmd.CommandPath())
	}
	return nil
}

// run makes the common part of a measurement, and the raw file if one is wanted.
func (f *evalFlags) run(c *console, what string, measure func(eval.Run) error) (err error) {
	run := eval.Run{Limit: f.limit, Jobs: f.jobs}
	run.Progress = func(done, total int) {
		if done == 1 {
			c.erase()
			c.startBar(total, what)
		}
		c.step()
	}
	defer c.endBar()
	if f.raw != "" {
		out, err := os.Create(f.raw)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		run.Raw = out
	}
	return measure(run)
}

// evalReport is what every measurement can print.
type evalReport interface{ WriteText(io.Writer) error }

func (f *evalFlags) print(c *console, r evalReport) error {
	c.endBar()
	c.erase()
	if !f.asJSON {
		return r.WriteText(c.out)
	}
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func setting() eval.Setting {
	return eval.Setting{Models: []eval.Model{}, Version: version.String(), Platform: fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
}

// scoreFile reads a raw file and scores it.
func scoreFile[T any, R evalReport](f *evalFlags, c *console, read func(io.Reader) ([]T, error), score func([]T) (R, error)) error {
	in, err := os.Open(f.score)
	if err != nil {
		return err
	}
	defer in.Close()
	records, err := read(bufio.NewReader(in))
	if err != nil {
		return fmt.Errorf("%s: %w", f.score, err)
	}
	r, err := score(records)
	if err != nil {
		return err
	}
	return f.print(c, r)
}
