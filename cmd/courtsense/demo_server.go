package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// demoServer is "courtsense serve" as a process of its own, with a configuration of its own.
type demoServer struct {
	log     string // path of its standard error
	records string // folder of its records
	grpc    string
	http    string
	missing []string // what it says is missing

	command *exec.Cmd
	ended   chan error
	config  string
}

const demoConfig = `# Written by "courtsense demo", and removed by it.
server:
  grpc: {address: "127.0.0.1:0"}
  http: {address: "127.0.0.1:0"}
  timeouts: {drain: 5s}
records: {dir: %q}
telemetry:
  log: {level: %s, format: text}
`

// start starts the process and reads its addresses.
func (s *demoServer) start(ctx context.Context, store string, verbose bool) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if s.config, err = writeDemoConfig(s.records, verbose); err != nil {
		return err
	}
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"serve", "--config", s.config}
	if store != "" {
		args = append(args, "--models", store)
	}
	// Not CommandContext: the process is to be stopped by SIGTERM, also when the demo is interrupted.
	s.command = exec.Command(exe, args...)
	s.command.Env = demoEnvironment(os.Environ())
	s.command.Stderr = log
	out, err := s.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		s.command = nil
		return err
	}
	s.ended = make(chan error, 1)
	addresses := make(chan struct{})
	go s.follow(out, addresses)
	select {
	case <-addresses:
		return nil
	case err := <-s.ended:
		s.ended <- err
		return fmt.Errorf("the server ended at once (%w): %s", err, s.lastWords())
	case <-ctx.Done():
		return fmt.Errorf("the server does not start: %w", ctx.Err())
	}
}

// follow reads what the server prints until it ends, and closes addresses when it has them.
func (s *demoServer) follow(out io.Reader, addresses chan<- struct{}) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if a, ok := strings.CutPrefix(line, grpcLine); ok {
			s.grpc = a
		}
		if a, ok := strings.CutPrefix(line, httpLine); ok {
			s.http = a
		}
		if m, ok := strings.CutPrefix(line, "missing: "); ok {
			s.missing = append(s.missing, m)
		}
		if s.grpc != "" && s.http != "" && addresses != nil {
			close(addresses)
			addresses = nil
		}
	}
	s.ended <- s.command.Wait()
}

// lastWords is the last line of the server's standard error, which says why it ended.
func (s *demoServer) lastWords() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

func writeDemoConfig(records string, verbose bool) (string, error) {
	level := "info"
	if verbose {
		level = "debug"
	}
	f, err := os.CreateTemp("", "courtsense-demo-*.yaml")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, demoConfig, records, level)
	return f.Name(), errors.Join(err, f.Close())
}

// demoEnvironment leaves out variables that would change the demo's server, save those that say where things lie.
func demoEnvironment(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return strings.HasPrefix(name, "COURTSENSE_") && !slices.Contains([]string{
			"COURTSENSE_MODELS", "COURTSENSE_MODELS_DIR", "COURTSENSE_MODELS_DEVICE", "COURTSENSE_ONNXRUNTIME_LIBRARY", "COURTSENSE_OCR_TESSDATA_DIR",
		}, name)
	})
}

// stop sends SIGTERM and waits for a clean exit.
func (s *demoServer) stop() (report, error) {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return report{}, err
	}
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	select {
	case err := <-s.ended:
		s.ended <- err
		if err != nil {
			return report{}, fmt.Errorf("the server did not end cleanly (%w): %s", err, s.lastWords())
		}
		return report{summary: "SIGTERM, drained, exit code 0"}, nil
	case <-limit.C:
		return report{}, errors.New("the server did not end within a minute of SIGTERM")
	}
}

// kill ends the process when it is still there, and removes its configuration. It is idempotent.
func (s *demoServer) kill() error {
	if s.config != "" {
		_ = os.Remove(s.config)
		s.config = ""
	}
	if s.command == nil {
		return nil
	}
	select {
	case <-s.ended:
	default:
		if err := s.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-s.ended
	}
	s.command = nil
	return nil
}

// awaitServing waits until the server, or one service of it, is SERVING.
func awaitServing(ctx context.Context, conn *grpc.ClientConn, service string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	for {
		m, err := watch.Recv()
		if err != nil {
			return err
		}
		if m.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
			return nil
		}
	}
}
