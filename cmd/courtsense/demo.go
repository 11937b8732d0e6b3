package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newDemoCommand() *cobra.Command {
	var out, samples, store string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start a server, call it on the samples, and check every answer",
		Long: `Starts "courtsense serve" as a process of its own on free loopback ports, waits until it is ready, calls every served
method as a client over gRPC on the samples of testdata/, and holds each answer to what is known of the sample. Prints a
line a step, writes annotated pictures, a hearing's record and the server's log into the folder of --out, and stops the server by SIGTERM.
Exits with 0 only when every answer was right.`,
		Example: `  courtsense demo
  courtsense demo --out /tmp/demo --models /srv/models`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&out, "out", "out", "folder for annotated pictures and the server's log")
	cmd.Flags().StringVar(&samples, "samples", "", "folder of the samples (default: testdata, here or beside the binary)")
	cmd.Flags().StringVar(&store, "models", "", "folder of the model store (default: as for serve)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		folder, err := findSamples(samples)
		if err != nil {
			return err
		}
		d := &demo{c: newConsole(cmd), out: out, samples: folder}
		return d.run(cmd.Context(), store)
	}
	cmd.AddCommand(newDemoGateCommand())
	return cmd
}

// findSamples looks for the samples where the repository keeps them, seen from here and from bin/.
func findSamples(named string) (string, error) {
	candidates := []string{named}
	if named == "" {
		candidates = []string{"testdata"}
		if exe, err := os.Executable(); err == nil {
			candidates = append(candidates, filepath.Join(filepath.Dir(exe), "..", "testdata"))
		}
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "documents")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("the samples are not in %s: run it in the source folder, or name their folder with --samples", strings.Join(candidates, " or "))
}

// demo is one run of "courtsense demo".
type demo struct {
	c       *console
	out     string // folder
	samples string // folder
	conn    *connection
	server  *demoServer
	steps   int
	failed  int
}

// demoStep is one thing that is shown and checked. It returns what to print of its result.
type demoStep struct {
	name string
	run  func(ctx context.Context) (report, error)
}

// report is a step's result for people: a summary, and lines that show it.
type report struct {
	summary string
	lines   []string
}

func (d *demo) run(ctx context.Context, store string) (err error) {
	began := time.Now()
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	steps := d.documentSteps()
	steps = append(steps, d.faceStep())
	steps = append(steps, d.speechSteps()...)
	steps = append(steps, d.recordStep(), d.modelStep(), d.httpStep(), d.refusalStep())
	d.steps = len(steps) + 2

	records, err := filepath.Abs(filepath.Join(d.out, "records"))
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	d.server = &demoServer{log: filepath.Join(d.out, "server.log"), records: records}
	defer func() { err = errors.Join(err, d.server.kill()) }()
	if err := d.step(ctx, 1, demoStep{"start a server", func(ctx context.Context) (report, error) { return d.start(ctx, store) }}); err != nil {
		return errors.Join(err, ctx.Err())
	}
	defer d.conn.Close()
	for i, s := range steps {
		// A wrong answer does not keep the others from being looked at; it is counted.
		_ = d.step(ctx, i+2, s)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	_ = d.step(ctx, d.steps, demoStep{"stop the server", func(context.Context) (report, error) { return d.server.stop() }})

	if d.failed > 0 {
		fmt.Fprintf(d.c.out, "\nFAILED: %d of %d steps went wrong; the server's log is %s\n", d.failed, d.steps, d.server.log)
		return errReported
	}
	fmt.Fprintf(d.c.out, "\nAll %d steps right in %.1f s. Look at the pictures in %s.\n", d.steps, time.Since(began).Seconds(), d.out)
	return nil
}

// step runs and prints one step.
func (d *demo) step(ctx context.Context, number int, s demoStep) error {
	d.c.status("[%d/%d] %s ...", number, d.steps, s.name)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	began := time.Now()
	r, err := s.run(ctx)
	took := time.Since(began)
	d.c.erase()
	verdict := "ok"
	if err != nil {
		verdict = "WRONG"
		d.failed++
	}
	fmt.Fprintf(d.c.out, "[%2d/%d] %-5s %-34s %5.2f s  %s\n", number, d.steps, verdict, s.name, took.Seconds(), r.summary)
	for _, l := range r.lines {
		fmt.Fprintf(d.c.out, "              %s\n", l)
	}
	if err != nil {
		fmt.Fprintf(d.c.out, "              -> %s\n", oneLine(err))
		return errReported
	}
	return nil
}

func (d *demo) start(ctx context.Context, store string) (report, error) {
	if err := d.server.start(ctx, store, d.c.verbose > 0); err != nil {
		return report{}, err
	}
	flags := &connectFlags{server: d.server.grpc}
	conn, err := flags.dial()
	if err != nil {
		return report{}, err
	}
	d.conn = conn
	if err := awaitServing(ctx, conn.ClientConn, ""); err != nil {
		return report{}, errors.Join(fmt.Errorf("the server does not get ready: %w", err), conn.Close())
	}
	r := report{summary: fmt.Sprintf("gRPC on %s, HTTP on %s", d.server.grpc, d.server.http)}
	for _, m := range d.server.missing {
		r.lines = append(r.lines, "missing: "+truncate(m, 110))
	}
	return r, nil
}

// sample reads a file of the samples.
func (d *demo) sample(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(d.samples, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return b, nil
}
