package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/internal/version"
)

// The lines in which serve names its addresses; demo reads them.
const (
	grpcLine = "gRPC on "
	httpLine = "HTTP on "
)

func newServeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Runs the server until it gets SIGTERM or SIGINT. It loads and warms up its models first, prints its addresses to standard
output, and logs to standard error. What is missing on this machine does not keep it from starting: the service that
needs it answers FAILED_PRECONDITION and is NOT_SERVING in grpc.health.v1, and a line says what to do.

The first signal drains: health turns NOT_SERVING, new calls are refused, running ones may finish within
server.timeouts.drain. A second signal ends the drain. The exit code is 0 after a drain.

Configuration: defaults, then the file of --config, then COURTSENSE_* variables, then flags. docs/configuration.md lists
every key.`,
		Example: `  courtsense serve
  courtsense serve --config /etc/courtsense.yaml
  courtsense serve --models /srv/models --grpc-address 127.0.0.1:9090 --set server.timeouts.drain=10s`,
		Args: cobra.NoArgs,
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device", "grpc-address", "http-address", "log-level", "log-format")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		return serve(cmd.Context(), newConsole(cmd), loaded)
	}
	return cmd
}

func serve(ctx context.Context, c *console, loaded *conf.Loaded) (err error) {
	cfg := loaded.Config
	if c.verbose > 0 && loaded.Origin("telemetry.log.level") == "default" {
		cfg.Telemetry.Log.Level = "debug"
	}
	if c.errTerm && loaded.Origin("telemetry.log.format") == "default" {
		cfg.Telemetry.Log.Format = "text" // people read it
	}
	log := telemetry.NewLogger(c.err, cfg.Telemetry.Log)
	slog.SetDefault(log)
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	if err := portsFree(ctx, cfg.Server); err != nil {
		return err
	}
	stopTracing, err := telemetry.StartTracing(ctx, cfg.Telemetry.Trace, version.String())
	if err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	defer func() { err = errors.Join(err, flushTraces(ctx, stopTracing)) }()

	began := time.Now()
	a, err := app.New(ctx, cfg, app.Options{Logger: log, Metrics: telemetry.NewMetrics(), Progress: func(step string) { log.Info(step) }})
	if err != nil {
		return startError(ctx, log, err)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	s, err := a.NewServer()
	if err != nil {
		return portHint(err)
	}
	a.OpenGalleries(ctx)
	a.OpenRecords(ctx)
	if err := a.StartGates(ctx); err != nil {
		return errors.Join(startError(ctx, log, err), s.Close())
	}
	a.Announce(s)
	announce(c.out, s, a, time.Since(began))
	return s.Run(ctx)
}

// startError forgives a start that was interrupted: to stop a server is no failure, ready or not.
func startError(ctx context.Context, log *slog.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.Info("stopped before it was ready")
	return nil
}

// announce prints what a person, or a program that has started the server, wants to know.
func announce(w io.Writer, s *server.Server, a *app.App, took time.Duration) {
	fmt.Fprintf(w, "courtsense %s, models in %s\n", version.String(), a.Store().Dir())
	for _, n := range a.Notes() {
		fmt.Fprintf(w, "missing: %s\n", oneLine(errors.New(n)))
	}
	fmt.Fprintf(w, "%s%s\n", grpcLine, s.GRPCAddr())
	if h := s.HTTPAddr(); h != nil {
		fmt.Fprintf(w, "%s%s\n", httpLine, h)
	}
	fmt.Fprintf(w, "ready after %.1f s; Ctrl-C stops\n", took.Seconds())
}

// portsFree looks before the models are loaded, which can take a while: a taken port is the commonest mistake.
func portsFree(ctx context.Context, c conf.Server) error {
	for _, address := range []string{c.GRPC.Address, c.HTTP.Address} {
		if address == "" || strings.HasSuffix(address, ":0") {
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return portHint(err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

func portHint(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: stop what listens there, or choose other ports with --grpc-address and --http-address (host:0 takes any free one)", err)
	}
	return err
}

// flushTraces gives the collector a moment, also when the context has ended, as it has after a signal.
func flushTraces(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return stop(ctx)
}
