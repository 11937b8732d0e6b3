package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// envServerKills is how often TestARecordOutlivesItsServer kills; once when it is not set.
const envServerKills = "RECORD_TEST_SERVER_KILLS"

// serverProcess is "courtsense serve" as a process of its own.
type serverProcess struct {
	command *exec.Cmd
	drained chan struct{}
}

func startProcess(t *testing.T, address, records string) *serverProcess {
	t.Helper()
	s := &serverProcess{drained: make(chan struct{})}
	s.command = exec.CommandContext(t.Context(), os.Args[0], "serve", "--models", t.TempDir(), "--grpc-address", address, "--http-address", "",
		"--log-level", "error", "--set", "records.dir="+records)
	s.command.Stderr = os.Stderr
	out, err := s.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.command.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "ready after") {
	}
	require.NoError(t, lines.Err())
	go func() {
		defer close(s.drained)
		_, _ = io.Copy(io.Discard, out)
	}()
	return s
}

func (s *serverProcess) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, s.command.Process.Kill())
	<-s.drained
	require.Error(t, s.command.Wait())
}

// freeAddress is one that nobody listens at, for a server that comes back at it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// longRecording is a file in which a sentence is said so many times.
func longRecording(t *testing.T, times int) string {
	t.Helper()
	one, err := os.ReadFile(samples + "/speech/court-zh-16k.wav")
	require.NoError(t, err)
	pcm := bytes.Repeat(append(bytes.Clone(one[44:]), make([]byte, 32000)...), times)
	head := bytes.Clone(one[:44])
	binary.LittleEndian.PutUint32(head[4:], uint32(36+len(pcm)))
	binary.LittleEndian.PutUint32(head[40:], uint32(len(pcm)))
	path := filepath.Join(t.TempDir(), "hearing.wav")
	require.NoError(t, os.WriteFile(path, append(head, pcm...), 0o600))
	return path
}

// printedTurn is a turn as "record start --json" prints it.
type printedTurn struct {
	Turn int64  `json:"turn"`
	Text string `json:"text"`
}

// TestARecordOutlivesItsServer kills a server with SIGKILL in the middle of a hearing, at random points, and starts it again. The client goes on by itself; in the
// end the record says what it says of a hearing that nothing broke, and all that was acknowledged is in it.
func TestARecordOutlivesItsServer(t *testing.T) {
	kills := 1
	if n, err := strconv.Atoi(os.Getenv(envServerKills)); err == nil {
		kills = n
	}
	sound := longRecording(t, 2+2*kills)
	whole := t.TempDir()
	r := courtsense(t, "record", "start", sound, "--record", "h", "--author", "甲", "--set", "records.dir="+whole)
	require.Zero(t, r.code, r.stderr)
	want := recordText(t, whole)
	require.NotEmpty(t, want)

	address, records := freeAddress(t), t.TempDir()
	server := startProcess(t, address, records)
	out, in := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(context.Background(), []string{"record", "start", sound, "--record", "h", "--author", "甲", "--json", "--server", address}, nil, in, &stderr)
		_ = in.Close()
	}()
	acknowledged, killed, next := map[int64]string{}, 0, 1+rand.IntN(3)
	for turns := json.NewDecoder(bufio.NewReader(out)); ; {
		var turn printedTurn
		err := turns.Decode(&turn)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.Positive(t, turn.Turn)
		acknowledged[turn.Turn] = turn.Text
		if next--; next <= 0 && killed < kills {
			server.kill(t)
			killed, next = killed+1, 1+rand.IntN(3)
			server = startProcess(t, address, records)
		}
	}
	require.Zero(t, <-ended, stderr.String())
	require.Equal(t, kills, killed)
	server.kill(t)
	got := recordText(t, records)
	require.Equal(t, want, got, "every word is there, and none twice")
	for turn, text := range acknowledged {
		assert.Contains(t, got, text, "turn %d", turn)
	}
	r = courtsense(t, "record", "verify", "h", "--set", "records.dir="+records)
	require.Zero(t, r.code, r.stderr)
	t.Logf("%d kills, %d turns acknowledged, all of them in the record", kills, len(acknowledged))
}

// recordText is all that a record says.
func recordText(t *testing.T, records string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h.txt")
	r := courtsense(t, "record", "export", "h", "-o", path, "--set", "records.dir="+records, "--author", "甲")
	require.Zero(t, r.code, r.stderr)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}
