package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/ocr/correct/adapt"
	"github.com/courtsense/courtsense/speech/language"
	"github.com/courtsense/courtsense/speech/language/train"
)

func newLMTrainCommand() *cobra.Command {
	var o struct {
		out, about    string
		and, tune     []string
		order, rare   int
		cutoffs       []int
		weights       []float64
		size          float64
		asJSON, force bool
	}
	cmd := &cobra.Command{
		Use:   "train TEXT... --out FILE",
		Short: "Make a language model of speech from texts, on this machine",
		Long: `Counts which characters follow which in text files, or in the *.txt and *.md files of folders (UTF-8 or GB 18030), and writes a
model that speech recognition uses. Texts are put into the form in which they are said first: 第577条 is counted as 第五百七十七条.

The files that are named first are one kind of text. Each --and adds another kind, which may be a file or a folder; the kinds are
interpolated by --weights, or by the weights that suit one paragraph in 50 of each kind best, or the text of --tune.

Memory: about 100 bytes a character of the texts.`,
		Example: `  courtsense lm train judgments/ --out court.lm
  courtsense lm train judgments/ --and statutes/ --and hearings.txt --weights 0.5,0.3,0.2 --size 30 --out court.lm`,
		Args: atLeastOne("text files or folders"),
	}
	set := cmd.Flags()
	set.StringVarP(&o.out, "out", "o", "", "file to write the model to")
	set.StringArrayVar(&o.and, "and", nil, "file or folder of another kind of text (repeatable)")
	set.Float64SliceVar(&o.weights, "weights", nil, "share of each kind, the first one's first")
	set.StringArrayVar(&o.tune, "tune", nil, "file or folder of text that the shares are fitted to (repeatable)")
	set.IntVar(&o.order, "order", 4, fmt.Sprintf("longest run of characters to count, 1 to %d", language.MaxOrder))
	set.Float64Var(&o.size, "size", 12, "size that the file may have, in MiB")
	set.IntSliceVar(&o.cutoffs, "cutoffs", nil, "how often runs of 2, 3, ... characters must occur to be kept; the last one goes for longer ones too")
	set.IntVar(&o.rare, "rare", 2, "how often a character must occur to be known")
	set.StringVar(&o.about, "about", "", "a line on what the model is and where it comes from, kept in the file")
	set.BoolVar(&o.asJSON, "json", false, "print the report as one JSON object")
	set.BoolVar(&o.force, "force", false, "replace the output file if it exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.out == "" {
			return usagef("name the file to write by --out")
		}
		if len(o.weights) > 0 && len(o.weights) != 1+len(o.and) {
			return usagef("--weights names %d shares for %d kinds of text", len(o.weights), 1+len(o.and))
		}
		if _, err := os.Stat(o.out); err == nil && !o.force {
			return usagef("%s exists; use --force to replace it", o.out)
		}
		c := newConsole(cmd)
		texts := &textFiles{ctx: cmd.Context(), bad: func(path string, err error) { c.fail(path, err) }}
		sources := []train.Source{{Name: strings.Join(args, ", "), Texts: texts.paragraphs(args)}}
		for _, path := range o.and {
			sources = append(sources, train.Source{Name: path, Texts: texts.paragraphs([]string{path})})
		}
		for i, w := range o.weights {
			sources[i].Weight = w
		}
		config := train.Config{About: o.about, Order: o.order, Size: int(o.size * (1 << 20)), Cutoffs: o.cutoffs, RareCharacter: o.rare,
			Progress: func(stage string, done float64) { c.status("%s  %3.0f %%", stage, 100*done) }}
		if len(o.tune) > 0 {
			config.Tune = texts.paragraphs(o.tune)
		}
		b, report, err := train.Train(cmd.Context(), sources, config)
		if err = errors.Join(texts.err, err); err != nil {
			return err
		}
		if err := writeWhole(o.out, b); err != nil {
			return err
		}
		c.erase()
		return printTraining(c, report, o.out, o.asJSON)
	}
	return cmd
}

// textFiles yields the paragraphs of files and folders, and remembers the error that ended it. A file that can't be read is told to
// bad and left out; one that was named and isn't there is an error.
type textFiles struct {
	ctx context.Context //nolint:containedctx // of one command's run, as the iterator has no other way
	bad func(path string, err error)
	err error
}

func (t *textFiles) paragraphs(paths []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, root := range paths {
			err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				// A file that was named is read whatever its name says.
				if ext := strings.ToLower(filepath.Ext(path)); path != root && ext != ".txt" && ext != ".md" {
					return nil
				}
				if t.ctx.Err() != nil {
					return context.Cause(t.ctx)
				}
				content, err := readLimited(path, maxLMText)
				if err != nil {
					return err
				}
				paragraphs, err := adapt.Paragraphs(content)
				if err != nil {
					t.bad(path, err)
					return nil
				}
				for _, p := range paragraphs {
					if !yield(p) {
						return fs.SkipAll
					}
				}
				return nil
			})
			if err != nil {
				t.err = errors.Join(t.err, err)
				return
			}
		}
	}
}

// maxLMText bounds one file of text, in bytes.
const maxLMText = 1 << 30

// writeWhole writes beside the file first, so that it is always a whole one.
func writeWhole(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func printTraining(c *console, r train.Report, out string, asJSON bool) error {
	if asJSON {
		type source struct {
			Texts      string  `json:"texts"`
			Characters int     `json:"characters"`
			Weight     float64 `json:"weight"`
		}
		b := struct {
			Output  string   `json:"output"`
			Bytes   int      `json:"bytes"`
			Sources []source `json:"sources"`
			Counted []int    `json:"counted"`
			Kept    []int    `json:"kept"`
		}{out, r.Size, nil, r.Counted, r.Entries}
		for _, s := range r.Sources {
			b.Sources = append(b.Sources, source{s.Name, s.Characters, round(s.Weight, 4)})
		}
		return json.NewEncoder(c.out).Encode(b)
	}
	rows := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(rows, "share\tcharacters\ttexts")
	for _, s := range r.Sources {
		fmt.Fprintf(rows, "%.3f\t%d\t%s\n", s.Weight, s.Characters, s.Name)
	}
	fmt.Fprintln(rows, "\nlength\tcounted\tkept")
	for n := range r.Counted {
		fmt.Fprintf(rows, "%d\t%d\t%d\n", n+1, r.Counted[n], r.Entries[n])
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Written: %s, %s\n", out, humanBytes(int64(r.Size)))
	return nil
}

func newLMEvalCommand() *cobra.Command {
	var models []string
	var weights []float64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval TEXT...",
		Short: "Say how well a language model of speech knows texts",
		Long: `Prints for each text file, or folder, the perplexity of its characters in the form in which they are said (among how many
characters the model is undecided, as it were; ends of sentences and unknown characters are left out) and the share of the
characters that the model knows. Several models are interpolated by --weights.`,
		Example: `  courtsense lm eval hearing.txt
  courtsense lm eval --model court.lm --model embedded --weights 0.6,0.4 hearing.txt`,
		Args: atLeastOne("text files or folders"),
	}
	set := cmd.Flags()
	set.StringArrayVar(&models, "model", []string{embeddedLM}, "language model: a file, or the embedded one (repeatable)")
	set.Float64SliceVar(&weights, "weights", nil, "share of each model")
	set.BoolVar(&asJSON, "json", false, "print one JSON object a text")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		m, closeAll, err := openSpeechLMs(models, weights)
		if err != nil {
			return err
		}
		defer closeAll()
		rows := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		if !asJSON {
			fmt.Fprintln(rows, "perplexity\tknown\tcharacters\ttext")
		}
		failed := false
		c.startBar(len(args), "measuring")
		for _, path := range args {
			texts := &textFiles{ctx: cmd.Context(), bad: func(path string, err error) { c.fail(path, err); failed = true }}
			fit, err := language.Measure(cmd.Context(), m, texts.paragraphs([]string{path}))
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			c.step()
			if err = errors.Join(err, texts.err); err == nil && fit.Characters == 0 {
				err = errors.New("holds no character that the model knows")
			}
			if err != nil {
				failed = true
				c.fail(path, err)
				continue
			}
			if asJSON {
				row := struct {
					Text       string  `json:"text"`
					Perplexity float64 `json:"perplexity"`
					Coverage   float64 `json:"coverage"`
					Characters int     `json:"characters"`
					Unknown    int     `json:"unknown"`
					Utterances int     `json:"utterances"`
				}{path, round(fit.Perplexity(), 3), round(fit.Coverage(), 5), fit.Characters, fit.Unknown, fit.Utterances}
				if err := json.NewEncoder(c.out).Encode(row); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(rows, "%.2f\t%.2f %%\t%d\t%s\n", fit.Perplexity(), 100*fit.Coverage(), fit.Characters+fit.Unknown, path)
		}
		c.endBar()
		c.erase()
		if err := rows.Flush(); err != nil {
			return err
		}
		if failed {
			return errReported
		}
		return nil
	}
	return cmd
}

// openSpeechLMs opens models of speech, interpolated where there are several.
func openSpeechLMs(paths []string, weights []float64) (m language.Model, closeAll func(), err error) {
	if len(weights) > 0 && len(weights) != len(paths) {
		return nil, nil, usagef("--weights names %d shares for %d models", len(weights), len(paths))
	}
	var open []*language.NGram
	closeAll = func() {
		for _, g := range open {
			_ = g.Close() // it was only read
		}
	}
	var all []language.Model
	for _, path := range paths {
		g, err := openSpeechLM(path)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		open, all = append(open, g), append(all, g)
	}
	if len(all) == 1 {
		return all[0], closeAll, nil
	}
	if len(weights) == 0 {
		weights = slices.Repeat([]float64{1}, len(all))
	}
	mixed, err := language.Mix(all, weights)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return mixed, closeAll, nil
}

func openSpeechLM(path string) (*language.NGram, error) {
	if path != embeddedLM {
		return language.Open(path)
	}
	b, err := embedded.Files.ReadFile("speech-lm.bin")
	if err != nil {
		return nil, err
	}
	return language.Parse(b)
}
