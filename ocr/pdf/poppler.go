package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotInstalled is returned when one of Poppler's programs is missing.
var ErrNotInstalled = errors.New("poppler is not installed")

// Installed returns Poppler's version, or [ErrNotInstalled] with what to install.
func Installed(ctx context.Context) (version string, err error) {
	for _, tool := range []string{"pdfinfo", "pdftoppm"} {
		if _, err := lookup(tool); err != nil {
			return "", err
		}
	}
	path, err := lookup("pdftoppm")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, "-v").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pdftoppm -v: %w", err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimPrefix(first, "pdftoppm version "), nil
}

func lookup(tool string) (string, error) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", fmt.Errorf("%w: %s was not found; install poppler-utils (and poppler-data for Chinese fonts that a file does not embed): %w",
			ErrNotInstalled, tool, err)
	}
	return path, nil
}

// children bounds the child processes of this process: each takes a whole core.
var children = make(chan struct{}, runtime.NumCPU())

// How a child ended without a result.
var (
	errOverTime   = errors.New("time limit passed")
	errOverMemory = errors.New("memory limit passed")
)

// childError is a child that reported failure itself.
type childError struct {
	tool   string
	err    error
	stderr string
}

func (e *childError) Error() string {
	first, _, _ := strings.Cut(e.stderr, "\n")
	return fmt.Sprintf("%s: %v: %.200s", e.tool, e.err, first)
}

func (e *childError) Unwrap() error { return e.err }

// noted is how much of a child's stderr is kept.
const noted = 16 << 10

// grace is how long a killed child's pipes may stay open.
const grace = 5 * time.Second

// childFile is the name under which a child finds the file that it inherits. Opening it anew gives each child its own
// read position.
const childFile = "/proc/self/fd/3"

// run starts one of Poppler's programs on the file and hands its output to read. It returns what the program wrote to
// stderr. The child and its descendants are killed when ctx ends, when its time is over, when read fails or when this
// process dies.
func run(ctx context.Context, l Limits, file *os.File, tool string, args []string, read func(io.Reader) error) (stderr string, err error) {
	path, err := lookup(tool)
	if err != nil {
		return "", err
	}
	select {
	case children <- struct{}{}:
		defer func() { <-children }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	timed, cancel := context.WithTimeoutCause(ctx, l.PageTime, errOverTime)
	defer cancel()

	// The kernel sends Pdeathsig when the starting thread ends, not the process: the thread must outlive the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	notes := &limitedBuffer{limit: noted}
	cmd := exec.CommandContext(timed, path, args...)
	if prlimit, err := exec.LookPath("prlimit"); err == nil {
		// On a busy machine milliseconds may pass before restrict comes to it, enough for a page to take what it wants.
		cmd = exec.CommandContext(timed, prlimit, slices.Concat(limitFlags(l), []string{path}, args)...)
	}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"}
	cmd.ExtraFiles = []*os.File{file}
	cmd.Stderr = notes
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = grace
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start %s: %w", tool, err)
	}
	readErr := restrict(cmd.Process.Pid, l)
	if readErr == nil {
		readErr = read(out)
	}
	if readErr != nil {
		cancel() // it may still be writing
	}
	waitErr := cmd.Wait()
	return notes.String(), outcome(ctx, timed, tool, cmd, readErr, waitErr, notes.String())
}

func outcome(ctx, timed context.Context, tool string, cmd *exec.Cmd, readErr, waitErr error, stderr string) error {
	// pdftoppm that finds no memory for a page writes a picture of one pixel and reports success.
	outOfMemory := strings.Contains(stderr, "Out of memory") || strings.Contains(stderr, "bad_alloc")
	if readErr == nil && waitErr == nil && !outOfMemory {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	status, _ := cmd.ProcessState.Sys().(interface{ Signal() unix.Signal })
	switch {
	case errors.Is(context.Cause(timed), errOverTime), status != nil && status.Signal() == unix.SIGXCPU:
		return errOverTime
	case outOfMemory:
		return errOverMemory
	case readErr != nil:
		return &childError{tool: tool, err: readErr, stderr: stderr}
	}
	return &childError{tool: tool, err: waitErr, stderr: stderr}
}

// limits are those of a child process.
func limits(l Limits) map[int]uint64 {
	return map[int]uint64{
		unix.RLIMIT_AS:    uint64(l.MaxMemory),
		unix.RLIMIT_CPU:   uint64(l.PageTime/time.Second) + 1,
		unix.RLIMIT_FSIZE: 0, // it has no business writing files
		unix.RLIMIT_CORE:  0,
	}
}

// limitFlags are the arguments of util-linux's prlimit that set the limits before a program begins.
func limitFlags(l Limits) []string {
	names := map[int]string{unix.RLIMIT_AS: "as", unix.RLIMIT_CPU: "cpu", unix.RLIMIT_FSIZE: "fsize", unix.RLIMIT_CORE: "core"}
	var flags []string
	for resource, limit := range limits(l) {
		flags = append(flags, fmt.Sprintf("--%s=%d", names[resource], limit))
	}
	return append(flags, "--")
}

// restrict sets a running child's limits, for systems without prlimit: they hold for all that follows.
func restrict(pid int, l Limits) error {
	for resource, limit := range limits(l) {
		err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: limit, Max: limit}, nil)
		if err != nil && !errors.Is(err, unix.ESRCH) { // gone already: its result says why
			return fmt.Errorf("limit child process: %w", err)
		}
	}
	return nil
}

// limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct {
	bytes.Buffer
	limit int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := b.limit - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
