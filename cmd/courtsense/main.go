package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/version"
)

// Exit codes, as in docs/cli.md.
const (
	exitOK          = 0
	exitFailed      = 1   // something could not be done; standard error says what
	exitUsage       = 2   // the command line or the configuration is wrong
	exitInterrupted = 130 // SIGINT or SIGTERM before the work was done
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with everything that it touches handed in.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks, the second one ends the process: by then its default is back.
	defer context.AfterFunc(ctx, stop)()

	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(ctx, root.ExecuteContext(ctx), stderr)
}

// exitCode reports the error, unless that was done where it arose, and turns it into the process' exit code.
func exitCode(ctx context.Context, err error, stderr io.Writer) int {
	var failed *failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &failed) && failed.usage:
		fmt.Fprintf(stderr, "courtsense: %s\n", oneLine(err))
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "courtsense: interrupted")
		return exitInterrupted
	case errors.Is(err, errReported):
	case errors.As(err, &failed):
		fmt.Fprintf(stderr, "courtsense: %s\n", oneLine(err))
	default:
		// What cobra itself finds: an unknown command or a flag that is missing.
		fmt.Fprintf(stderr, "courtsense: %s; see 'courtsense --help'\n", oneLine(err))
		return exitUsage
	}
	return exitFailed
}

// errReported ends a command whose errors were printed one by one.
var errReported = errors.New("some of it failed")

// failure is an error that a command came upon, as opposed to those of the command line's parser.
type failure struct {
	error
	usage bool
}

func (f *failure) Unwrap() error { return f.error }

// usagef is an error of the command line or the configuration.
func usagef(format string, args ...any) error {
	return &failure{fmt.Errorf(format, args...), true}
}

// oneLine keeps an error on one line, so that scripts can read standard error line by line.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

// newRootCommand builds the whole command tree.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "courtsense",
		Short: "See faces, read pages and hear speech for the systems of a court",
		Long: `courtsense sees faces, reads pages and hears speech for the systems of a court.

It is a server with gRPC and JSON endpoints ("courtsense serve") and a set of tools that work on files, in this process
or through such a server. Begin with "courtsense doctor", which says what is installed and what is missing.`,
		Example: `  courtsense doctor
  courtsense models pull
  courtsense ocr complaint.pdf
  courtsense face detect photo.jpg --annotate marked/
  courtsense transcribe hearing.flac --format srt
  courtsense serve --models /srv/models`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version.String(),
	}
	root.SetVersionTemplate("courtsense {{.Version}}\n")
	root.PersistentFlags().CountP("verbose", "v", "log to standard error what is being done; twice for details")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see '%s --help'", err, cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: "files", Title: "Work on files:"},
		&cobra.Group{ID: "server", Title: "Run a server:"},
		&cobra.Group{ID: "machine", Title: "Look after this machine:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("files", newOCRCommand(), newOrientCommand(), newEnhanceCommand(), newFaceCommand(), newGalleryCommand(), newTranscribeCommand(), newRecordCommand(), newHotWordsCommand(), newPunctuateCommand(), newStatutesCommand())
	add("server", newServeCommand(), newDemoCommand())
	add("machine", newDoctorCommand(), newModelsCommand(), newLMCommand(), newBenchCommand(), newEvalCommand(), newVersionCommand())
	catchFailures(root)
	return root
}

// catchFailures marks every error of a command's own work as such, so that the rest can be told to be the parser's.
func catchFailures(c *cobra.Command) {
	if runE := c.RunE; runE != nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			err := runE(cmd, args)
			var f *failure
			if err == nil || errors.As(err, &f) || errors.Is(err, errReported) {
				return err
			}
			return &failure{err, false}
		}
	}
	for _, sub := range c.Commands() {
		catchFailures(sub)
	}
}
