package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/ocr/correct/adapt"
	"github.com/courtsense/courtsense/speech/punctuate"
)

func newPunctuateCommand() *cobra.Command {
	var spoken bool
	cmd := &cobra.Command{
		Use:   "punctuate FILE...",
		Short: "Put punctuation into text that has none, and write its numbers in figures",
		Long: `Reads texts (UTF-8 or GB 18030), a paragraph a line, and prints them with ，。？！：；、 and with amounts, dates, times, percentages and case
numbers in figures. "-" is standard input.`,
		Example: `  courtsense punctuate notes.txt
  echo 原告借给被告三万五千元 | courtsense punctuate -`,
		Args: atLeastOne("text files"),
	}
	connect := addConnectFlags(cmd)
	cmd.Flags().BoolVar(&spoken, "spoken", false, "leave numbers as they are spoken")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		inputs := findInputs(args, []string{".txt"})
		return onFiles(cmd, c, connect, app.Speech, inputs, func(ctx context.Context, conn *connection) error {
			failed := false
			for _, in := range inputs {
				content, err := in.read(ctx, cmd.InOrStdin())
				var paragraphs []string
				if err == nil {
					paragraphs, err = adapt.Paragraphs(content)
				}
				for _, p := range paragraphs {
					if err != nil || strings.TrimSpace(p) == "" {
						continue
					}
					numbers := !spoken
					var answer *pb.PunctuateResponse
					if answer, err = pb.NewSpeechServiceClient(conn).Punctuate(ctx, &pb.PunctuateRequest{Text: p, WriteNumbers: &numbers}); err == nil {
						_, err = fmt.Fprintln(c.out, answer.GetText())
					}
				}
				if err != nil {
					c.fail(in.path, err)
					failed = true
				}
			}
			if failed {
				return errReported
			}
			return nil
		})
	}
	return cmd
}

// punctuationReport is what "eval punctuation" measures.
type punctuationReport struct {
	Setting    eval.Setting `json:"setting"`
	Paragraphs int          `json:"paragraphs"`
	Characters int          `json:"characters"`
	Marks      []markScore  `json:"marks"` // the first is all together
}

type markScore struct {
	Mark      string  `json:"mark"`
	Wanted    int     `json:"wanted"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// WriteText prints the report as a table.
func (r punctuationReport) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%d paragraphs, %d characters\n", r.Paragraphs, r.Characters)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "mark\twanted\tprecision\trecall\tF1")
	for _, m := range r.Marks {
		fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%.1f %%\t%.1f %%\n", m.Mark, m.Wanted, 100*m.Precision, 100*m.Recall, 100*m.F1)
	}
	return t.Flush()
}

func newEvalPunctuationCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "punctuation FILE...",
		Short: "Measure punctuation on texts that have it: precision, recall and F1 of each mark",
		Long: `Takes the marks ，。？！：；、 out of texts (UTF-8 or GB 18030, a paragraph a line), has them put again, and compares. Numbers should be
spelled out as they are spoken.`,
		Example: `  courtsense eval punctuation judgments.txt`,
		Args:    atLeastOne("text files"),
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		loaded.Speech.Recognition.Model, loaded.Speech.Writing.Statutes = "none", "none"
		c := newConsole(cmd)
		a, err := speechApp(cmd.Context(), c, loaded.Config)
		if err != nil {
			return err
		}
		defer a.Close()
		p, use, err := a.Speech().Punctuator()
		if err != nil {
			return err
		}
		r := punctuationReport{Setting: setting()}
		r.Setting.Models = evalModels([]*pb.ModelUse{use})
		counts := map[rune]*punctuate.Count{}
		for _, file := range args {
			content, err := readLimited(file, 256<<20)
			if err != nil {
				return err
			}
			paragraphs, err := adapt.Paragraphs(content)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			for _, text := range paragraphs {
				n, err := punctuate.Score(cmd.Context(), p, text, counts)
				if err != nil {
					return err
				}
				if n > 0 {
					r.Paragraphs, r.Characters = r.Paragraphs+1, r.Characters+n
				}
			}
		}
		for i, mark := range punctuate.Marks {
			name := string(mark)
			if i == 0 {
				name = "all"
			}
			k := counts[mark]
			if k == nil {
				k = &punctuate.Count{}
			}
			r.Marks = append(r.Marks, markScore{name, k.Right + k.Missed, k.Precision(), k.Recall(), k.F1()})
		}
		return (&evalFlags{asJSON: asJSON}).print(c, r)
	}
	return cmd
}
