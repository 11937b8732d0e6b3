package record

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	// envHear tells this test program to hear a hearing into a folder until it is killed.
	envHear = "RECORD_TEST_HEAR_INTO"
	// envKills is how often TestKilledInTheHearing kills; 10 when it is not set.
	envKills = "RECORD_TEST_KILLS"
)

func crashText(n int) string {
	return fmt.Sprintf("第%d句话，被告未按合同约定交货。", n)
}

// crashSound is the sound of second n.
func crashSound(n int) []byte { return bytes.Repeat([]byte{byte(n), byte(n >> 8)}, soundRate) }

// hearForever hears a turn a second, while a clerk corrects and inserts, and prints a line for each change that was acknowledged. It goes on where the record ends.
func hearForever(dir string) error {
	ctx := context.Background()
	s, err := Open(dir, Options{KeepAudio: true, Logger: quiet()})
	if err != nil {
		return err
	}
	r, err := s.Get(ctx, "h")
	if err != nil {
		return err
	}
	f, err := r.Feed(ctx, FeedOptions{Channels: 1})
	if err != nil {
		return err
	}
	fmt.Println("open", int(f.Resume()))
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	failed := make(chan error, 2)
	heard := make(chan struct{}, 1)
	go func() {
		for n := int(f.Resume()); ; n++ {
			if err := f.Sound(ctx, float64(n), crashSound(n)); err != nil {
				failed <- err
				return
			}
			got, err := f.Append(ctx, float64(n+1), Turn{Start: float64(n), End: float64(n) + .9, Text: crashText(n)})
			if err != nil || len(got) != 1 {
				failed <- errors.Join(fmt.Errorf("%d turns", len(got)), err)
				return
			}
			say("heard %d %d", n, got[0].ID)
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	}()
	go func() {
		rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 2))
		for {
			<-heard
			state := r.Snapshot()
			t := state.Turns[rng.IntN(len(state.Turns))]
			text := fmt.Sprintf("改%d", rng.Int())
			got, err := r.Correct(ctx, t.ID, Correction{Base: t.Revision(), Text: &text, Edit: clerk})
			if err != nil {
				failed <- err
				return
			}
			say("set %d %d %s", t.ID, got.Revision(), text)
			got, err = r.Insert(ctx, t.ID, Turn{Text: text}, clerk)
			if err != nil {
				failed <- err
				return
			}
			say("set %d %d %s", got.ID, got.Revision(), text)
		}
	}()
	return <-failed
}

// acknowledged is what children said.
type acknowledged struct {
	heard map[int]int64              // second -> turn
	set   map[int64]map[int64]string // turn -> revision -> text
	count int
}

func (a *acknowledged) read(t *testing.T, line string) bool {
	var n int
	var turn, revision int64
	var text string
	switch {
	case scan(line, "heard %d %d", &n, &turn):
		require.NotContains(t, a.heard, n)
		a.heard[n] = turn
	case scan(line, "set %d %d %s", &turn, &revision, &text):
		if a.set[turn] == nil {
			a.set[turn] = map[int64]string{}
		}
		a.set[turn][revision] = text
	default:
		return false
	}
	a.count++
	return true
}

func scan(line, format string, args ...any) bool {
	_, err := fmt.Sscanf(line, format, args...)
	return err == nil
}

// lost counts what was acknowledged and is not in a state.
func (a *acknowledged) lost(s State) int {
	turns := map[int64]Turn{}
	for _, t := range s.Turns {
		turns[t.ID] = t
	}
	lost := 0
	for n, id := range a.heard {
		if t, ok := turns[id]; !ok || *t.Revisions[0].Text != crashText(n) || t.Start != float64(n) {
			lost++
		}
	}
	for id, set := range a.set {
		there := map[int64]string{}
		for _, r := range turns[id].Revisions {
			there[r.Number] = *r.Text
		}
		for revision, text := range set {
			if there[revision] != text {
				lost++
			}
		}
	}
	return lost
}

func startChild(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), envHear+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	return child, bufio.NewScanner(out)
}

// TestKilledInTheHearing kills a process with SIGKILL at random points of a hearing, while a clerk corrects it, again and again, and looks for everything that
// it had acknowledged. Each process goes on where the one before it was killed.
func TestKilledInTheHearing(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv(envKills)); err == nil {
		kills = n
	}
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	create(t, s, "h")
	require.NoError(t, s.Close())
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	said := &acknowledged{heard: map[int]int64{}, set: map[int64]map[int64]string{}}
	torn := 0
	for range kills {
		child, lines := startChild(t, dir)
		stop, seen, killed := rng.IntN(30), 0, false
		kill := func() {
			killed = true
			require.NoError(t, child.Process.Kill())
		}
		if stop == 0 {
			kill() // while it begins
		}
		for lines.Scan() {
			if said.read(t, lines.Text()) {
				seen++
			} else if !killed {
				require.Contains(t, lines.Text(), "open ", "the child failed")
			}
			if seen >= stop && !killed {
				kill()
			}
		}
		require.Error(t, child.Wait())
		require.True(t, killed)

		report, err := Verify(t.Context(), dir+"/h", "")
		require.NoError(t, err)
		require.Empty(t, report.Problems)
		if report.TornBytes > 0 {
			torn++
		}
		require.Zero(t, said.lost(reread(t, dir, "h")), "of %d", said.count)
	}

	s = openStore(t, dir, Options{})
	r := get(t, s, "h")
	state := r.Snapshot()
	require.GreaterOrEqual(t, state.Settled, float64(len(said.heard)))
	for n := range said.heard {
		sound, err := r.Sound(t.Context(), float64(n), float64(n+1))
		require.NoError(t, err)
		require.True(t, bytes.Equal(crashSound(n), sound.PCM), "the sound of second %d", n)
	}
	t.Logf("%d kills (%d in the middle of a write): %d changes were acknowledged, 0 lost; %d turns, %.0f s of sound are on record", kills, torn, said.count, len(state.Turns),
		state.Sound.Seconds)
}

// TestTwoProcesses opens a record that another process has open.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	r := create(t, s, "h")
	other := openStore(t, dir, Options{})
	_, err := other.Get(t.Context(), "h")
	require.ErrorIs(t, err, ErrLocked, "in this process too")
	require.NoError(t, r.Close())
	require.NoError(t, s.Close())

	child, lines := startChild(t, dir)
	for lines.Scan() && !scan(lines.Text(), "heard %d", new(int)) {
	}
	_, err = other.Get(t.Context(), "h")
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, dir)
	// To read it, and to list it, needs no lock.
	require.NotEmpty(t, reread(t, dir, "h").Turns)
	page, _, err := other.List(t.Context(), Filter{}, 0, "")
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Empty(t, page[0].Problem)
	_, err = other.Create(t.Context(), "h", Case{}, clerk)
	require.ErrorIs(t, err, ErrExists)
	_, err = other.Create(t.Context(), "another", Case{}, clerk)
	require.NoError(t, err, "the folder is shared")
	require.NoError(t, child.Process.Kill())
	for lines.Scan() {
	}
	require.Error(t, child.Wait())
	get(t, other, "h")
}
