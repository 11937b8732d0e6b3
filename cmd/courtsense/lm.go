package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/ocr/correct/adapt"
	"github.com/courtsense/courtsense/pipeline/charlm"
)

func newLMCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lm",
		Short: "Measure the language models of reading and speech, and teach them a court's own texts",
		Long: `Two language models know statutes and case texts. That of reading weighs doubtful characters by what stands around them:
"lm score" says how well it knows your texts, and "lm adapt" teaches it yours. That of speech says what is likely to be said next:
"lm eval" measures it, and "lm train" makes one from your texts. Nothing leaves this machine.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newLMAdaptCommand(), newLMScoreCommand(), newLMTrainCommand(), newLMEvalCommand())
	return c
}

// embeddedLM names the model that is compiled in, as a path does a file.
const embeddedLM = "embedded"

// openLM reads a language model from a file, or the one compiled in.
func openLM(path string) (*charlm.Model, error) {
	if path != embeddedLM {
		b, err := readLimited(path, charlm.MaxSize)
		if err != nil {
			return nil, err
		}
		m, err := charlm.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return m, nil
	}
	b, err := embedded.Files.ReadFile("char-lm.bin")
	if err != nil {
		return nil, err
	}
	return charlm.Parse(b)
}

// readLimited reads a file unless it is larger than limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s: larger than %s, the limit", path, humanBytes(limit))
	}
	return b, nil
}

func newLMScoreCommand() *cobra.Command {
	var model string
	var asJSON bool
	var places int
	cmd := &cobra.Command{
		Use:   "score FILE...",
		Short: "Say how well the language model knows texts",
		Long: `Prints for each text file the perplexity (among how many characters the model is undecided, as it were), how often its own
choice is right, and the share of the characters that it knows at all. Texts are UTF-8 or GB 18030.`,
		Example: `  courtsense lm score judgments/*.txt
  courtsense lm score --model court.lm judgments/*.txt`,
		Args: atLeastOne("text files"),
	}
	set := cmd.Flags()
	set.StringVar(&model, "model", embeddedLM, "language model: a file, or the embedded one")
	set.IntVar(&places, "places", 1000, "characters to ask for in each text, drawn at random with a fixed seed")
	set.BoolVar(&asJSON, "json", false, "print one JSON object a file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if places < 1 {
			return usagef("--places %d: want 1 or more", places)
		}
		c := newConsole(cmd)
		m, err := openLM(model)
		if err != nil {
			return err
		}
		rows := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		if !asJSON {
			fmt.Fprintln(rows, "perplexity\tright\tknown\tasked for\tfile")
		}
		failed := false
		c.startBar(len(args), "measuring")
		for _, path := range args {
			fit, err := scoreText(cmd.Context(), m, path, places)
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			c.step()
			if err != nil {
				failed = true
				c.fail(path, err)
				continue
			}
			if asJSON {
				if err := json.NewEncoder(c.out).Encode(lmFileFit{path, newLMFit(fit)}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(rows, "%.2f\t%.1f %%\t%.2f %%\t%d\t%s\n", fit.Perplexity, 100*fit.Right, 100*fit.Coverage, fit.Places, path)
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

func scoreText(ctx context.Context, m *charlm.Model, path string, places int) (charlm.Fit, error) {
	content, err := readLimited(path, adapt.MaxTextBytes)
	if err != nil {
		return charlm.Fit{}, err
	}
	paragraphs, err := adapt.Paragraphs(content)
	if err != nil {
		return charlm.Fit{}, err
	}
	fit, err := m.Measure(ctx, adapt.Classes(m, paragraphs), places)
	if err == nil && fit.Places == 0 {
		err = errors.New("holds no character that could be asked for")
	}
	return fit, err
}

// lmFit is charlm.Fit in JSON.
type lmFit struct {
	Perplexity float64 `json:"perplexity"`
	Right      float64 `json:"right"`
	Coverage   float64 `json:"coverage"`
	Places     int     `json:"places"`
}

func newLMFit(f charlm.Fit) lmFit {
	return lmFit{round(f.Perplexity, 3), round(f.Right, 4), round(f.Coverage, 5), f.Places}
}

type lmFileFit struct {
	File string `json:"file"`
	lmFit
}

func round(f float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(f*p) / p
}

func newLMAdaptCommand() *cobra.Command {
	var o adapt.Options
	var model, texts, out string
	var asJSON, force bool
	cmd := &cobra.Command{
		Use:   "adapt --texts DIR -o FILE",
		Short: "Teach the language model a court's own texts, on this machine",
		Long: `Goes on training the language model with the text files in a folder (*.txt and *.md, folders below it too; UTF-8 or GB 18030) and
writes the model that knows a held-out share of the texts best. A tenth of the files, or of the paragraphs where there are
few files, is held out by the hash of its name and only measured.

The file is written whenever the model has got better, so Ctrl-C keeps the best so far; to go on later, name that file with
--model. Use it by the configuration: ocr.language_model: FILE. Speed depends on the machine: a core learns from a few
hundred characters a second.`,
		Example: `  courtsense lm adapt --texts judgments/ -o court.lm
  courtsense lm adapt --model court.lm --texts judgments/ --epochs 1 -o court-2.lm`,
		Args: cobra.NoArgs,
	}
	set := cmd.Flags()
	set.StringVar(&model, "model", embeddedLM, "language model to begin with: a file, or the embedded one")
	set.StringVar(&texts, "texts", "", "folder of texts")
	set.StringVarP(&out, "output", "o", "", "file to write the model to")
	set.Float64Var(&o.Epochs, "epochs", 2, "how often to go through the texts")
	set.Float64Var(&o.Rate, "rate", 5e-4, "learning rate")
	set.Uint64Var(&o.Seed, "seed", 1, "seed; equal seeds give equal models on one machine")
	set.IntVar(&o.Places, "places", 2000, "held-out characters to measure with")
	set.BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	set.BoolVar(&force, "force", false, "replace the output file if it exists")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case texts == "":
			return usagef("name a folder of texts by --texts")
		case out == "":
			return usagef("name the file to write by -o")
		case !(o.Epochs > 0 && o.Epochs <= 1000):
			return usagef("--epochs %v: want more than 0, at most 1000", o.Epochs)
		case !(o.Rate > 0 && o.Rate <= 0.1):
			return usagef("--rate %v: want more than 0, at most 0.1", o.Rate)
		case o.Places < 1:
			return usagef("--places %d: want 1 or more", o.Places)
		}
		if _, err := os.Stat(out); err == nil && !force {
			return usagef("%s exists; use --force to replace it", out)
		}
		c := newConsole(cmd)
		m, err := openLM(model)
		if err != nil {
			return err
		}
		c.status("reading texts ...")
		corpus, err := adapt.ReadCorpus(cmd.Context(), texts, m, func(path string, err error) { c.fail(path, err) })
		if err != nil {
			return err
		}
		o.Progress = func(p adapt.Progress) {
			c.status("%3.0f %%  %.0f characters/s  %s left  held-out perplexity %.2f -> %.2f", 100*p.Done, p.PerSecond, p.Left.Round(time.Second), p.Before, p.Best)
		}
		o.Keep = func(m *charlm.Model) error { return writeLM(out, m) }
		report, err := o.Run(cmd.Context(), m, corpus)
		interrupted := err != nil && cmd.Context().Err() != nil
		if err != nil && !interrupted {
			return err
		}
		c.erase()
		if printErr := printAdaptation(c, report, corpus, out, asJSON); printErr != nil {
			return printErr
		}
		return err
	}
	return cmd
}

func writeLM(path string, m *charlm.Model) error {
	b, err := m.Encode()
	if err != nil {
		return err
	}
	return writeWhole(path, b)
}

func printAdaptation(c *console, r adapt.Report, corpus *adapt.Corpus, out string, asJSON bool) error {
	if asJSON {
		b := struct {
			Output     string  `json:"output,omitempty"`
			Files      int     `json:"files"`
			Characters int     `json:"characters"`
			HeldOut    int     `json:"held_out_characters"`
			Done       float64 `json:"done"`
			Seconds    float64 `json:"seconds"`
			PerSecond  float64 `json:"characters_per_second"`
			Before     lmFit   `json:"before"`
			After      lmFit   `json:"after"`
		}{"", corpus.Files, corpus.Characters, corpus.HeldOut, round(r.Done, 4), round(r.Seconds, 1), round(r.PerSecond, 1), newLMFit(r.Before), newLMFit(r.After)}
		if r.Improved {
			b.Output = out
		}
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(b)
	}
	fmt.Fprintf(c.out, "Texts: %d files, %d characters to learn from, %d held out\n", corpus.Files, corpus.Characters, corpus.HeldOut)
	fmt.Fprintf(c.out, "Training: %.0f %% done in %s, %.0f characters/s\n", 100*r.Done, time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), r.PerSecond)
	rows := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(rows, "held-out texts\tbefore\tafter")
	fmt.Fprintf(rows, "perplexity\t%.2f\t%.2f\n", r.Before.Perplexity, r.After.Perplexity)
	fmt.Fprintf(rows, "characters chosen right\t%.1f %%\t%.1f %%\n", 100*r.Before.Right, 100*r.After.Right)
	fmt.Fprintf(rows, "characters known\t%.2f %%\t%.2f %%\n", 100*r.Before.Coverage, 100*r.After.Coverage)
	if err := rows.Flush(); err != nil {
		return err
	}
	if !r.Improved {
		fmt.Fprintln(c.out, "The model did not get better, so nothing was written: it knows these texts as well as it can, or they are too few.")
		return nil
	}
	fmt.Fprintf(c.out, "Written: %s; use it by ocr.language_model in the configuration\n", out)
	return nil
}
