package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/speech/statute"
)

func newStatutesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "statutes",
		Short: "Make the index that recited laws are found in, and look provisions up",
		Long: `Transcripts quote the law word for word when the server has an index of laws. "statutes import" makes one of a folder of
Markdown files; "statutes lookup" finds the provision that a text names or recites. Nothing leaves this machine.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newStatutesImportCommand(), newStatutesLookupCommand())
	return c
}

// statutesIndex is the file named on the command line, or the default one.
func statutesIndex(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	return app.StatutesFile()
}

func newStatutesImportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Make an index of a folder of laws",
		Long: `Reads all Markdown files (*.md) below a folder: "# TITLE", lines with the days of adoption and amendment, headings (##) for
chapters and sections, and articles that begin with 第…条. A law may stand in several files and several versions. What can't be used
is named with file and line on standard error, and the rest is imported. The index is replaced as a whole; a running server reads
it when it starts.`,
		Example: `  courtsense statutes import laws/
  courtsense statutes import laws/ -o /srv/courtsense/statutes.idx`,
		Args: oneFolder,
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write (default: where the server looks for it, statutes.idx in the user's data folder)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := statutesIndex(out)
		if err != nil {
			return err
		}
		info, err := os.Stat(args[0])
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return usagef("%s is no folder", args[0])
		}
		c := newConsole(cmd)
		c.status("reading ...")
		laws, report, err := statute.Import(cmd.Context(), os.DirFS(args[0]))
		c.erase()
		if err != nil {
			return err
		}
		for _, p := range report.Problems {
			fmt.Fprintln(c.err, p)
		}
		if len(laws) == 0 {
			return fmt.Errorf("%s: none of its %d Markdown files holds a law", args[0], report.Files)
		}
		c.status("writing ...")
		err = statute.WriteFile(path, laws)
		c.erase()
		if err != nil {
			return err
		}
		c.note("%d laws (%d in several versions) with %d articles from %d files, %d of which were there already; %d remarks above; written to %s",
			report.Laws, report.Versions, report.Articles, report.Files, report.Duplicates, len(report.Problems), path)
		return nil
	}
	return cmd
}

// lookedUp is a provision as "statutes lookup --json" prints it.
type lookedUp struct {
	Law        string   `json:"law"`
	Version    string   `json:"version"`
	Article    string   `json:"article"`
	Headings   []string `json:"headings,omitempty"`
	Text       string   `json:"text"`
	Confidence float64  `json:"confidence"`
	Named      bool     `json:"named"`
}

func newStatutesLookupCommand() *cobra.Command {
	var index, day string
	var most int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lookup TEXT...",
		Short: "Find the provision that a text names or recites",
		Long: `Finds provisions by law and number (民法典第五百七十七条) or by their words. Texts are compared by their sounds, so misheard ones
are found as well. Prints confidence, law, version and article, then the exact text.`,
		Example: `  courtsense statutes lookup 民法典第五百七十七条
  courtsense statutes lookup --max 3 当事人一方不履行合同义务`,
		Args: atLeastOne("a text"),
	}
	set := cmd.Flags()
	set.StringVar(&index, "index", "", "index to look in (default: statutes.idx in the user's data folder)")
	set.StringVar(&day, "date", "", "day on which the law must be in force, YYYY-MM-DD (default: today)")
	set.IntVar(&most, "max", 5, "how many to print at most, 1 to 50")
	set.BoolVar(&asJSON, "json", false, "print one JSON object a provision")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if most < 1 || most > 50 {
			return usagef("--max %d is out of range: 1 to 50", most)
		}
		if day == "" {
			day = time.Now().Format(time.DateOnly)
		} else if _, err := time.Parse(time.DateOnly, day); err != nil {
			return usagef("--date %s: want a day as YYYY-MM-DD", day)
		}
		x, err := openStatutes(index)
		if err != nil {
			return err
		}
		defer x.Close()
		found, err := x.Lookup(strings.Join(args, ""), statute.Options{Day: day, Max: most})
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		if len(found) == 0 {
			c.note("nothing found")
		}
		enc := json.NewEncoder(c.out)
		enc.SetEscapeHTML(false)
		for _, m := range found {
			if asJSON {
				if err := enc.Encode(lookedUp{m.Law, m.Version, m.Number, m.Headings, m.Text, m.Confidence, m.Named}); err != nil {
					return err
				}
				continue
			}
			if _, err := fmt.Fprintf(c.out, "%.2f  %s (%s) %s  %s\n%s\n\n", m.Confidence, m.Law, m.Version, m.Number, strings.Join(m.Headings, " / "), m.Text); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func openStatutes(path string) (*statute.Index, error) {
	path, err := statutesIndex(path)
	if err != nil {
		return nil, err
	}
	x, err := statute.Open(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%s is not there: make it with 'courtsense statutes import DIR'", path)
	}
	return x, err
}
