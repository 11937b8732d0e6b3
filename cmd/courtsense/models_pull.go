package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/models/pull"
)

func newModelsPullCommand() *cobra.Command {
	var mirror string
	var all, asJSON bool
	var parallel int
	cmd := &cobra.Command{
		Use:   "pull [ID...]",
		Short: "Fetch models into the store",
		Long: `Fetches models into the store, several at once. Every file's SHA-256 is checked before it is put into place; an
interrupted pull goes on where it stopped; what is there already is left alone.

Without IDs it fetches the best published model of every task (--all: every published one, save those that the catalogue
marks optional). With --mirror, a folder or URL laid out like a store, it fetches whatever the mirror has, and contacts
no other address.`,
		Example: `  courtsense models pull
  courtsense models pull vad-silero-16k face-detect-yunet-n
  courtsense models pull --mirror /mnt/usb/models
  courtsense models pull --mirror https://mirror.court.example/models`,
	}
	store := addStoreFlags(cmd)
	cmd.Flags().StringVar(&mirror, "mirror", "", "fetch from this folder or http(s) URL instead of the publishers'")
	cmd.Flags().BoolVar(&all, "all", false, "fetch every published model, not only the best of each task")
	cmd.Flags().IntVar(&parallel, "parallel", pull.DefaultParallel, "files at once, 1 to 32")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		switch {
		case parallel < 1 || parallel > 32:
			return usagef("--parallel %d is out of range: 1 to 32", parallel)
		case all && len(ids) > 0:
			return usagef("--all and IDs exclude each other")
		}
		c := newConsole(cmd)
		s, err := store.open(c)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := s.Catalog().Entry(id); err != nil {
				return unknownModel(s.Catalog(), id)
			}
		}
		if len(ids) == 0 && !all && mirror == "" {
			ids = bestPublished(s.Catalog())
		}
		return pullModels(cmd.Context(), c, s, pull.Config{Mirror: mirror, Parallel: parallel, Logger: c.logger()}, ids, asJSON)
	}
	return cmd
}

// bestPublished returns the first entry of each task and slot all of whose files have a public address.
func bestPublished(catalog *models.Catalog) []string {
	var ids []string
	have := map[string]bool{}
	for _, e := range catalog.Models {
		place := e.Task + "/" + e.Slot
		if have[place] || e.Optional || e.System || e.Embedded || e.Remote != nil {
			continue
		}
		if !slices.ContainsFunc(e.Files, func(f models.File) bool { return f.URL == "" }) {
			have[place] = true
			ids = append(ids, e.ID)
		}
	}
	return ids
}

func pullModels(ctx context.Context, c *console, s *models.Store, cfg pull.Config, ids []string, asJSON bool) error {
	progress := &pullProgress{c: c, quiet: asJSON}
	cfg.Progress = progress
	p, err := pull.New(s, cfg)
	if err != nil {
		return err
	}
	results, err := p.Pull(ctx, ids...)
	progress.end()
	if results == nil && err != nil {
		return err
	}
	if asJSON {
		if err := writeJSON(c.out, pulledJSON(s, results)); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the pull was stopped; 'courtsense models pull' goes on from here: %w", err)
	}
	return summarizePull(c, s, cfg, results, len(ids) > 0, asJSON)
}

func pulledJSON(s *models.Store, results []pull.Result) any {
	type fileJSON struct {
		ID      string `json:"id"`
		Role    string `json:"role"`
		Path    string `json:"path"`
		Outcome string `json:"outcome"`
		Bytes   int64  `json:"bytes"`
		SHA256  string `json:"sha256"`
		Error   string `json:"error,omitempty"`
	}
	files := make([]fileJSON, 0, len(results))
	for _, r := range results {
		f := fileJSON{ID: r.ID, Role: r.File.Role, Path: r.File.Path, Outcome: string(r.Outcome), Bytes: r.Bytes, SHA256: r.SHA256}
		if r.Err != nil {
			f.Error = oneLine(r.Err)
		}
		files = append(files, f)
	}
	return map[string]any{"store": s.Dir(), "files": files}
}

// summarizePull says what is there now, and names every file that could not be had.
func summarizePull(c *console, s *models.Store, cfg pull.Config, results []pull.Result, asked, asJSON bool) error {
	count := map[pull.Outcome]int{}
	var bytes int64
	failed := false
	for _, r := range results {
		count[r.Outcome]++
		bytes += r.Bytes
		if r.Outcome == pull.Failed || (r.Outcome == pull.NoSource && asked) {
			failed = true
			hint := ""
			if cfg.Mirror == "" && r.Outcome == pull.Failed {
				hint = "; where the internet is out of reach, name a mirror with --mirror DIR|URL"
			}
			c.note("courtsense: %s%s", oneLine(r.Err), hint)
		}
	}
	if !asJSON {
		fmt.Fprintf(c.out, "%d files fetched (%s), %d were there already, in %s\n",
			count[pull.Pulled]+count[pull.Resumed], humanBytes(bytes), count[pull.Present], s.Dir())
		if n := count[pull.NoSource]; n > 0 && !asked {
			where := "are published nowhere as they are"
			if cfg.Mirror != "" {
				where = "are not in the mirror"
			}
			fmt.Fprintf(c.out, "%d files %s; 'courtsense models list' shows which models that leaves out\n", n, where)
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// pullProgress shows a bar a running transfer on a terminal, and a line a finished file anywhere.
type pullProgress struct {
	c     *console
	quiet bool

	mu    sync.Mutex
	bars  []*transferBar
	drawn int // lines on the terminal now
	last  time.Time
}

type transferBar struct {
	path string
	bar  *progressbar.ProgressBar
}

// Transfer implements pull.Progress.
func (p *pullProgress) Transfer(f models.File, done, total int64) {
	if !p.c.errTerm {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.bars, func(b *transferBar) bool { return b.path == f.Path })
	if i < 0 {
		p.bars = append(p.bars, &transferBar{f.Path, progressbar.NewOptions64(total, progressbar.OptionSetWriter(io.Discard),
			progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(20), progressbar.OptionThrottle(0),
			progressbar.OptionSetDescription(shortPath(f.Path)))})
		i = len(p.bars) - 1
	}
	_ = p.bars[i].bar.Set64(done)
	if time.Since(p.last) > 100*time.Millisecond {
		p.draw()
	}
}

// Finish implements pull.Progress.
func (p *pullProgress) Finish(r pull.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bars = slices.DeleteFunc(p.bars, func(b *transferBar) bool { return b.path == r.File.Path })
	p.wipe()
	if !p.quiet && (r.Outcome == pull.Pulled || r.Outcome == pull.Resumed) {
		fmt.Fprintf(p.c.out, "%-8s %s  %s  %s\n", r.Outcome, r.ID, r.File.Path, humanBytes(r.Bytes))
	}
	p.draw()
}

// end removes the bars.
func (p *pullProgress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bars = nil
	p.wipe()
}

func (p *pullProgress) draw() {
	p.wipe()
	if !p.c.errTerm {
		return
	}
	for _, b := range p.bars {
		fmt.Fprintf(p.c.err, "%s\n", truncate(strings.TrimSpace(b.bar.String()), p.c.width()-1))
	}
	p.drawn, p.last = len(p.bars), time.Now()
}

// wipe goes back to where the first bar was drawn and clears from there on.
func (p *pullProgress) wipe() {
	if p.drawn > 0 {
		fmt.Fprintf(p.c.err, "\x1b[%dA\r\x1b[J", p.drawn)
		p.drawn = 0
	}
}

// shortPath keeps the end of a path, which tells files apart.
func shortPath(path string) string {
	const width = 34
	r := []rune(path)
	if len(r) > width {
		r = append([]rune("…"), r[len(r)-width+1:]...)
	}
	return fmt.Sprintf("%-*s", width, string(r))
}
