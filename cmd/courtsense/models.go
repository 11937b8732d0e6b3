package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/models"
)

func newModelsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "models",
		Short: "List, pull and verify models",
		Long: `Shows which models are known, which of them are here, and which one each task uses; fetches those that are missing and
checks those that are there. The store is the folder of --models, else COURTSENSE_MODELS, else the user's data folder.
docs/models.md explains where models come from and how to add your own.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newModelsListCommand(), newModelsShowCommand(), newModelsPullCommand(), newModelsVerifyCommand())
	return c
}

// storeFlags choose the model store.
type storeFlags struct{ flags *conf.Flags }

// addStoreFlags adds the configuration flags that concern commands without a server.
func addStoreFlags(cmd *cobra.Command) storeFlags {
	return storeFlags{addConfigFlags(cmd, "config", "set", "models")}
}

func (f storeFlags) open(c *console) (*models.Store, error) {
	loaded, err := loadConfig(f.flags)
	if err != nil {
		return nil, err
	}
	return models.Open(nil, loaded.Models.Dir, models.WithLogger(c.logger()))
}

// modelJSON is a model in the output of "models list --json" and "models show --json"; docs/cli.md describes it.
type modelJSON struct {
	ID        string          `json:"id"`
	Version   string          `json:"version"`
	Title     string          `json:"title"`
	Task      string          `json:"task"`
	Slot      string          `json:"slot,omitempty"`
	Family    string          `json:"family"`
	License   string          `json:"license"`
	Available bool            `json:"available"`
	Active    bool            `json:"active"`
	Source    string          `json:"source"`
	Reason    string          `json:"reason"`
	Error     string          `json:"error,omitempty"`
	Bytes     int64           `json:"bytes"`
	Files     []modelFileJSON `json:"files,omitempty"`
}

type modelFileJSON struct {
	Role   string `json:"role"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	URL    string `json:"url"`
}

func modelAsJSON(s models.Status) modelJSON {
	e := s.Entry
	m := modelJSON{
		ID: e.ID, Version: e.Version, Title: e.Title, Task: e.Task, Slot: e.Slot, Family: e.Family, License: e.License,
		Available: s.Available, Active: s.Active, Source: string(s.Source), Reason: s.Reason, Bytes: e.Size(),
	}
	if s.Err != nil {
		m.Error = oneLine(s.Err)
	}
	for _, f := range e.Files {
		m.Files = append(m.Files, modelFileJSON{f.Role, f.Path, f.SHA256, f.Size, f.URL})
	}
	return m
}

func newModelsListCommand() *cobra.Command {
	var asJSON bool
	var task string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the known models, which are active, and why",
		Example: `  courtsense models list
  courtsense models list --task voice-activity --models /srv/models`,
		Args: cobra.NoArgs,
	}
	store := addStoreFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&task, "task", "", "only models of this task")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if task != "" && !slices.Contains(models.Tasks(), task) {
			return usagef("there is no task %q; the tasks are %s", task, strings.Join(models.Tasks(), ", "))
		}
		c := newConsole(cmd)
		s, err := store.open(c)
		if err != nil {
			return err
		}
		var list []models.Status
		for _, st := range s.List() {
			if task == "" || st.Entry.Task == task {
				list = append(list, st)
			}
		}
		if asJSON {
			out := make([]modelJSON, 0, len(list))
			for _, st := range list {
				m := modelAsJSON(st)
				m.Files = nil
				out = append(out, m)
			}
			return writeJSON(c.out, map[string]any{"store": s.Dir(), "models": out})
		}
		fmt.Fprintf(c.out, "store: %s%s\n", s.Dir(), absentFolder(s.Dir()))
		return printModels(c.out, list, s.Dir())
	}
	return cmd
}

func absentFolder(dir string) string {
	if _, err := os.Stat(dir); err != nil {
		return "  (empty: 'courtsense models pull' fills it)"
	}
	return ""
}

// printModels writes a table with a block a task, in the catalogue's order within it; * marks what is used.
func printModels(w io.Writer, list []models.Status, dir string) error {
	width := 0
	for _, st := range list {
		width = max(width, len(st.Entry.ID))
	}
	for _, task := range tasksOf(list) {
		fmt.Fprintf(w, "\n%s\n", task)
		for _, st := range list {
			if st.Entry.Task != task {
				continue
			}
			mark := " "
			if st.Active {
				mark = "*"
			}
			fmt.Fprintf(w, "  %s %-*s  %-8s  %8s  %s\n", mark, width, st.Entry.ID, sourceWord(st), sizeWord(st.Entry), reasonWord(st, dir))
		}
	}
	_, err := fmt.Fprintln(w, "\n* is used for its task. 'courtsense models show ID' tells more of one.")
	return err
}

// tasksOf returns the tasks in the order in which they first come.
func tasksOf(list []models.Status) []string {
	var tasks []string
	for _, st := range list {
		if !slices.Contains(tasks, st.Entry.Task) {
			tasks = append(tasks, st.Entry.Task)
		}
	}
	return tasks
}

func sourceWord(st models.Status) string {
	var mismatch *models.MismatchError
	switch {
	case st.Available:
		return string(st.Source)
	case errors.As(st.Err, &mismatch):
		return "damaged"
	}
	return "not here"
}

func sizeWord(e models.Entry) string {
	if n := e.Size(); n > 0 {
		return humanBytes(n)
	}
	return "-"
}

// reasonWord leaves out what the table says already.
func reasonWord(st models.Status, dir string) string {
	reason := st.Reason
	if reason == "" && st.Err != nil {
		reason = oneLine(st.Err)
	}
	return strings.TrimPrefix(reason, st.Entry.ID+" is not in "+dir+"; ")
}

func newModelsShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show all that is known of one model",
		Example: `  courtsense models show face-detect-yunet-n`,
		Args:    cobra.ExactArgs(1),
	}
	store := addStoreFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := newConsole(cmd)
		s, err := store.open(c)
		if err != nil {
			return err
		}
		for _, st := range s.List() {
			if st.Entry.ID == args[0] {
				if asJSON {
					return writeJSON(c.out, modelAsJSON(st))
				}
				return printModel(c.out, s, st)
			}
		}
		return unknownModel(s.Catalog(), args[0])
	}
	return cmd
}

// unknownModel names the ids that the user may have meant.
func unknownModel(catalog *models.Catalog, id string) error {
	var similar []string
	for _, e := range catalog.Models {
		if strings.Contains(e.ID, id) || commonPrefix(e.ID, id) >= 8 {
			similar = append(similar, e.ID)
		}
	}
	if len(similar) > 0 && len(similar) <= 6 {
		return fmt.Errorf("there is no model %q; did you mean %s?", id, strings.Join(similar, " or "))
	}
	return fmt.Errorf("there is no model %q; 'courtsense models list' shows all", id)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func printModel(w io.Writer, s *models.Store, st models.Status) error {
	e := st.Entry
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, text)
		}
	}
	row("model", "%s", e.ID)
	row("title", "%s", e.Title)
	row("version", "%s", e.Version)
	row("task", "%s", e.Task)
	row("slot", "%s", e.Slot)
	row("family", "%s", e.Family)
	row("licence", "%s", e.License)
	row("trained on", "%s", e.TrainingData)
	row("publisher", "%s", e.Source)
	row("model card", "%s", e.Card)
	row("notes", "%s", e.Notes)
	row("here", "%s", hereWord(st))
	row("active", "%s: %s", yesNo(st.Active), reasonWord(st, s.Dir()))
	if st.Err != nil {
		row("wrong", "%s", oneLine(st.Err))
	}
	for _, f := range e.Files {
		row("file", "%s  %s  %s", f.Role, f.Path, sizeOrUnknown(f.Size))
		row("", "sha256 %s", orWord(f.SHA256, "not known"))
		row("", "%s", orWord(f.URL, "no public address"))
	}
	if a, err := s.Resolve(e.ID); err == nil {
		for _, f := range e.Files {
			if path, err := a.Path(f.Role); err == nil {
				row("read from", "%s", path)
			}
		}
	}
	for _, in := range e.Inputs {
		row("input", "%s", tensorWord(in))
	}
	for _, out := range e.Outputs {
		row("output", "%s", tensorWord(out))
	}
	for _, th := range e.Thresholds {
		row("threshold", "%s = %g %s  (%s)", th.Name, th.Value, th.Unit, th.Measured)
	}
	return t.Flush()
}

func hereWord(st models.Status) string {
	if !st.Available {
		return sourceWord(st)
	}
	if st.Checked {
		return string(st.Source) + ", SHA-256 checked"
	}
	return string(st.Source) + ", SHA-256 not checked yet"
}

func tensorWord(t models.TensorSpec) string {
	word := fmt.Sprintf("%s %s%v", orWord(t.Name, "(unnamed)"), t.DType, t.Shape)
	for _, s := range []string{t.Layout, t.Color} {
		if s != "" {
			word += " " + s
		}
	}
	return word
}

func sizeOrUnknown(n int64) string {
	if n == 0 {
		return "size not known"
	}
	return humanBytes(n)
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func newModelsVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read every model that is here and compare its SHA-256",
		Long: `Reads every file of every model that is here, in the store, compiled in or of the system, and compares its SHA-256 with
the catalogue's. Exits with 1 when a file is damaged, missing or unreadable.`,
		Args: cobra.NoArgs,
	}
	store := addStoreFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c := newConsole(cmd)
		s, err := store.open(c)
		if err != nil {
			return err
		}
		c.status("reading the models ...")
		list, err := models.Verify(cmd.Context(), s)
		c.erase()
		if err != nil {
			return err
		}
		return reportVerified(c, s, list, asJSON)
	}
	return cmd
}

func reportVerified(c *console, s *models.Store, list []models.Verified, asJSON bool) error {
	type fileJSON struct {
		ID     string `json:"id"`
		Role   string `json:"role"`
		Path   string `json:"path"`
		Source string `json:"source"`
		State  string `json:"state"`
		SHA256 string `json:"sha256"`
		Bytes  int64  `json:"bytes"`
		Error  string `json:"error,omitempty"`
	}
	files := make([]fileJSON, 0, len(list))
	bad := 0
	t := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, v := range list {
		f := fileJSON{ID: v.ID, Role: v.Role, Path: v.Path, Source: string(v.Source), State: string(v.State), SHA256: v.SHA256, Bytes: v.Size}
		wrong := v.State != models.VerifyOK && v.State != models.VerifyNoHash
		remark := ""
		if v.Err != nil {
			f.Error = oneLine(v.Err)
			remark = f.Error
		}
		if wrong {
			bad++
		}
		files = append(files, f)
		if !asJSON {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", v.State, v.ID, v.Role, v.Source, humanBytes(v.Size), remark)
		}
	}
	if asJSON {
		if err := writeJSON(c.out, map[string]any{"store": s.Dir(), "files": files, "wrong": bad}); err != nil {
			return err
		}
	} else {
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d files read, %d wrong\n", len(list), bad)
	}
	if bad > 0 {
		c.note("courtsense: %d files are not what the catalogue names: 'courtsense models pull ID' brings them again", bad)
		return errReported
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
