package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/speech/statute/accuracy"
)

// statutesReport is what "eval statutes" measures.
type statutesReport struct {
	Setting    eval.Setting       `json:"setting"`
	Laws       int                `json:"laws"`
	Articles   int                `json:"articles"`
	Homophones float64            `json:"homophones"`
	Other      float64            `json:"other"`
	Seed       uint64             `json:"seed"`
	Recitals   []accuracy.Result  `json:"recitals"`
	Free       *accuracy.FreeText `json:"free_text,omitempty"`
}

// WriteText prints the report as a table.
func (r statutesReport) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%d laws, %d articles; %.0f %% of the characters became homophones, %.0f %% any others; seed %d\n", r.Laws, r.Articles, 100*r.Homophones, 100*r.Other, r.Seed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "recited\tnumber\tright\tof these twins\texact")
	percent := func(n, of int) string {
		if of == 0 {
			return "-"
		}
		return fmt.Sprintf("%d (%.2f %%)", n, 100*float64(n)/float64(of))
	}
	for _, k := range r.Recitals {
		exact := percent(k.Exact, k.Recited)
		if k.Kind == accuracy.Fragment {
			exact = "-"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\n", k.Kind, k.Recited, percent(k.Right, k.Recited), k.Twins, exact)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if f := r.Free; f != nil {
		fmt.Fprintf(w, "free text: %d sentences; words changed in %s, as results of speech in %s, marked as word for word in %s, provisions named in %d\n",
			f.Sentences, percent(f.Changed, f.Sentences), percent(f.Read, f.Sentences), percent(f.Quoted, f.Sentences), f.Named)
	}
	return nil
}

func newEvalStatutesCommand() *cobra.Command {
	var index string
	var free []string
	var asJSON bool
	var count int
	config := accuracy.Config{}
	cmd := &cobra.Command{
		Use:   "statutes",
		Short: "Measure how well recited provisions are found and put into their exact words",
		Long: `Draws articles from the index, recites them with simulated errors (whole, one sentence, in the middle of other words, behind law and
number, and as fragments), and looks them up again: whether the right article comes first (or a twin with the same words), and whether
the text comes back exactly, marks aside. Files named by --free hold text in which hardly anybody recites: how often its words are changed.`,
		Example: `  courtsense eval statutes --count 1000
  courtsense eval statutes --homophones 0.1 --other 0.05 --free judgments.txt`,
		Args: cobra.NoArgs,
	}
	set := cmd.Flags()
	set.StringVar(&index, "index", "", "index to measure (default: statutes.idx in the user's data folder)")
	set.IntVar(&count, "count", 500, "recitals of each kind")
	set.Float64Var(&config.Homophones, "homophones", .15, "share of the characters that become others of the same sound")
	set.Float64Var(&config.Other, "other", 0, "share of the characters that become any others")
	set.Uint64Var(&config.Seed, "seed", 1, "what is drawn")
	set.StringSliceVar(&free, "free", nil, "text files in which nobody recites, UTF-8")
	set.BoolVar(&asJSON, "json", false, "print one JSON object, with what failed")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if config.Count = count; count < 1 || count > 100000 || config.Homophones < 0 || config.Other < 0 || config.Homophones+config.Other > 1 {
			return usagef("--count is 1 to 100000, and --homophones and --other are shares of together at most 1")
		}
		x, err := openStatutes(index)
		if err != nil {
			return err
		}
		defer x.Close()
		c := newConsole(cmd)
		c.status("reciting ...")
		r := statutesReport{Setting: setting(), Laws: x.Laws(), Articles: x.Articles(), Homophones: config.Homophones, Other: config.Other, Seed: config.Seed}
		if r.Recitals, err = accuracy.Recitals(cmd.Context(), x, config); err != nil {
			return err
		}
		if len(free) > 0 {
			var sentences []string
			for _, file := range free {
				b, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				sentences = append(sentences, strings.FieldsFunc(string(b), func(r rune) bool { return strings.ContainsRune("。！？；\r\n", r) })...)
			}
			c.status("reading free text ...")
			f, err := accuracy.Free(cmd.Context(), x, sentences)
			if err != nil {
				return err
			}
			r.Free = &f
		}
		return (&evalFlags{asJSON: asJSON}).print(c, r)
	}
	return cmd
}
