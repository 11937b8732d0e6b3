package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// console is where a command prints: results to out, all else to err.
type console struct {
	out, err         io.Writer
	outTerm, errTerm bool
	verbose          int
	bar              *progressbar.ProgressBar
	meter            *meter // of the microphone that is heard; nil when none is
}

func newConsole(cmd *cobra.Command) *console {
	c := &console{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()}
	c.outTerm, c.errTerm = isTerminal(c.out), isTerminal(c.err)
	c.verbose, _ = cmd.Flags().GetCount("verbose")
	return c
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// logger is quiet unless the user asked for logs: what a user must know is printed, not logged.
func (c *console) logger() *slog.Logger {
	level := slog.LevelError
	switch {
	case c.verbose == 1:
		level = slog.LevelInfo
	case c.verbose > 1:
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level}))
}

// note prints a line for people to standard error.
func (c *console) note(format string, args ...any) {
	c.erase()
	fmt.Fprintf(c.err, format+"\n", args...)
}

// fail prints one error as one line.
func (c *console) fail(subject string, err error) {
	c.note("courtsense: %s: %s", subject, oneLine(err))
}

// status shows what is going on, until the next output replaces it. Nobody but a terminal sees it.
func (c *console) status(format string, args ...any) {
	if c.errTerm && c.verbose == 0 {
		fmt.Fprintf(c.err, "\r\x1b[K%s", truncate(fmt.Sprintf(format, args...), c.width()-1))
	}
}

// erase removes what status or the progress bar last drew.
func (c *console) erase() {
	if !c.errTerm {
		return
	}
	if c.bar != nil {
		_ = c.bar.Clear()
	}
	fmt.Fprint(c.err, "\r\x1b[K")
}

// startBar shows the progress over n files, when there is somebody to see it.
func (c *console) startBar(n int, what string) {
	if !c.errTerm || n < 2 {
		return
	}
	c.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(c.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	_ = c.bar.RenderBlank()
}

func (c *console) step() {
	if c.bar != nil {
		_ = c.bar.Add(1)
	}
}

func (c *console) endBar() {
	if c.bar != nil {
		_ = c.bar.Finish()
		c.bar = nil
	}
}

func (c *console) width() int {
	if f, ok := c.err.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			return w
		}
	}
	return 80
}

func truncate(s string, n int) string {
	r := []rune(strings.ReplaceAll(s, "\n", " "))
	if len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return string(r)
}

// humanBytes writes a size as people do.
func humanBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
