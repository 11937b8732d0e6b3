package gallery_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/gallery"
)

// envCrash tells this test program to enrol into the named file until it is killed.
const envCrash = "GALLERY_TEST_ENROL_INTO"

func crashing() bool {
	path := os.Getenv(envCrash)
	if path == "" {
		return false
	}
	if err := enrolForever(path); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	return true
}

// crashPersons is how many persons a child enrols in all.
const crashPersons = 10000

// enrolForever prints a line for each enrolment that was acknowledged, then waits to be killed.
func enrolForever(path string) error {
	key := make([]byte, 32)
	copy(key, "key for tests one")
	keys, err := gallery.NewKeyring("one", map[string][]byte{"one": key})
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := gallery.Open(ctx, gallery.Config{Path: path, Keys: keys})
	if err != nil {
		return err
	}
	g, err := s.Gallery(ctx, "g")
	if err != nil {
		return err
	}
	fmt.Println("open", g.Persons)
	var mu sync.Mutex
	next := g.Persons * 2 // some ids are left out, none is used twice
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				mu.Lock()
				n := next
				next++
				mu.Unlock()
				if n >= crashPersons*2 {
					return
				}
				template := unit(rand.New(rand.NewPCG(uint64(n), 77)))
				_, err := s.Enrol(ctx, "g", gallery.EnrolRecord{Person: fmt.Sprint(n), Model: model, Template: template})
				mu.Lock()
				if err != nil {
					fmt.Println("error:", err)
				} else {
					fmt.Println("ack", n)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	fmt.Println("end")
	select {}
}

// TestKilledWhileEnrolling kills a process with SIGKILL while 64 callers enrol, several times, and looks for everybody whose
// enrolment it had acknowledged.
func TestKilledWhileEnrolling(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	path := newFile(t)
	s := open(t, config(t, path))
	create(t, s, "g")
	require.NoError(t, s.Close())
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	acknowledged := map[int]bool{}
	for round := range rounds {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), envCrash+"="+path)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		// The last round goes on to the end.
		stop := 1 + rng.IntN(2*crashPersons/(rounds*2))
		if round == rounds-1 {
			stop = crashPersons * 2
		}
		killed := false
		lines := bufio.NewScanner(out)
		for seen := 0; lines.Scan(); {
			line, n := lines.Text(), 0
			if _, err := fmt.Sscanf(line, "ack %d", &n); err == nil {
				require.False(t, acknowledged[n])
				acknowledged[n] = true
				seen++
			} else {
				require.NotContains(t, line, "error")
			}
			if (seen >= stop || line == "end") && !killed {
				killed = true
				require.NoError(t, child.Process.Kill())
			}
		}
		require.Error(t, child.Wait())
		require.True(t, killed)

		s := open(t, config(t, path))
		report, err := s.Check(t.Context(), "g")
		require.NoError(t, err)
		require.Empty(t, report.Damaged)
		require.GreaterOrEqual(t, report.Persons, len(acknowledged))
		for n := range acknowledged {
			_, err := s.Person(t.Context(), "g", fmt.Sprint(n))
			require.NoError(t, err)
		}
		// And their templates are the ones that were enrolled.
		checked := 0
		for n := range acknowledged {
			found := identify(t, s, "g", unit(rand.New(rand.NewPCG(uint64(n), 77))), 1)
			require.Equal(t, fmt.Sprint(n), found[0].Person.ID)
			if checked++; checked == 20 {
				break
			}
		}
		t.Logf("round %d: killed after %d acknowledgements, %d persons are on record", round+1, len(acknowledged), report.Persons)
		require.NoError(t, s.Close())
	}
	assert.NotEmpty(t, acknowledged)
}

// TestTwoProcesses opens a file that another process has open.
func TestTwoProcesses(t *testing.T) {
	path := newFile(t)
	s := open(t, config(t, path))
	create(t, s, "g")
	require.NoError(t, s.Close())

	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), envCrash+"="+path)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "open 0", lines.Text())
	_, err = gallery.Open(t.Context(), config(t, path))
	require.ErrorIs(t, err, gallery.ErrLocked)
	require.ErrorContains(t, err, path)
	require.NoError(t, child.Process.Kill())
	for lines.Scan() {
	}
	require.Error(t, child.Wait())

	s = open(t, config(t, path))
	_, err = gallery.Open(t.Context(), config(t, path))
	require.ErrorIs(t, err, gallery.ErrLocked, "in this process too")
	enrol(t, s, "g", "a", axis(0, 0))
}
