package active_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/vision/liveness"
	"github.com/courtsense/courtsense/vision/liveness/active/activetest"
)

var (
	people = flag.Int("people", 0, "measure acceptance and refusals over so many people of LFW; 0: not at all")
	output = flag.String("out", "", "file for the result of -people, JSON")
)

// measured are the scripts that are played with every person; the rest does not depend on whose face it is.
var measured = []string{
	"genuine-turn-mouth-nod", "genuine-mouth-closer-turn", "genuine-two-actions",
	"moved-photo", "bent-photo", "bent-photo-mouth", "person-swapped", "wrong-order", "replay-encoded-again",
}

// tally counts what came of one script.
type tally struct {
	Script  string         `json:"script"`
	About   string         `json:"about"`
	Played  int            `json:"played"`
	Live    int            `json:"live"`    // by the actions alone
	Reasons map[string]int `json:"reasons"` // of those that were refused
	// Passive counts the passive check's verdicts over the best frames of the sessions that were live by their actions.
	Passive map[string]int `json:"passive"`
	Seconds float64        `json:"mean_seconds"` // of a session, by the client's clock
}

// TestAcceptanceOnLFW measures, on people of LFW's folds 7 and 8 drawn by their landmarks, how many sessions are accepted of
// those who do what is asked, and what becomes of attacks. Drawn faces are no people: skin, light and cameras vary more.
func TestAcceptanceOnLFW(t *testing.T) {
	if *people == 0 {
		t.Skip("measures for minutes; run with -people 20 -out FILE")
	}
	p := openPublished(t)
	checker := publishedChecker(t)
	cast, left := frontalPeople(t, p, *people+1)
	var results []*tally
	for _, s := range scripts(t) {
		if !slices.Contains(measured, s.Name) {
			continue
		}
		row := &tally{Script: s.Name, About: s.About, Reasons: map[string]int{}, Passive: map[string]int{}}
		results = append(results, row)
		var total time.Duration
		for i := range len(cast) - 1 {
			stage := activetest.NewPictures(p.meter, map[string]*activetest.Puppet{"A": cast[i], "B": cast[i+1]}, decode, uint64(i))
			played, err := s.Play(stage, activetest.Settings{Seed: uint64(i), Thresholds: p.thresholds, Same: sameAtRest, SameMoving: sameInMotion})
			if err != nil && s.Name == "replay-encoded-again" {
				continue // the recorded session itself was not accepted, so there is nothing to replay
			}
			require.NoError(t, err)
			row.Played++
			total += played.Outcome.Duration
			if played.Outcome.Verdict != liveness.Live {
				row.Reasons[string(played.Outcome.Reason)]++
				continue
			}
			row.Live++
			var frames []liveness.Frame
			for _, shot := range played.Kept {
				r, err := decode(t.Context(), shot.JPEG)
				require.NoError(t, err)
				sight, err := p.meter.Look(t.Context(), r)
				require.NoError(t, err)
				frames = append(frames, liveness.Frame{Raster: r, Face: sight.Face})
			}
			result, err := checker.Check(t.Context(), frames)
			require.NoError(t, err)
			row.Passive[result.Verdict.String()]++
		}
		row.Seconds = math.Round(total.Seconds()/float64(max(row.Played, 1))*10) / 10
		t.Logf("%-30s live %d of %d, refused %v, passive %v, %.1f s", row.Script, row.Live, row.Played, row.Reasons, row.Passive, row.Seconds)
	}
	if *output == "" {
		return
	}
	b, err := json.MarshalIndent(map[string]any{
		"data":     fmt.Sprintf("LFW folds 7 and 8: %d people, one portrait each, frontal to 12 degrees (%d portraits that are not were left out)", len(cast)-1, left),
		"command":  fmt.Sprintf("go test ./vision/liveness/active -run AcceptanceOnLFW -timeout 2h -people %d -out FILE", *people),
		"models":   []string{"face-detect-yunet-n", "face-landmarks-pfld-98", "face-embedding-mobilefacenet", "face-liveness-minifasnet-v2", "face-liveness-minifasnet-v1se"},
		"frame_px": frameSize, "scripts": results,
	}, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*output, append(b, '\n'), 0o644)) //nolint:gosec // a result to be committed
}

func publishedChecker(t *testing.T) *liveness.Checker {
	t.Helper()
	var ensemble []liveness.Member
	store, backend := openStore(t)
	for _, id := range []string{"face-liveness-minifasnet-v2", "face-liveness-minifasnet-v1se"} {
		x, e := open(t, store, backend, id)
		ensemble = append(ensemble, liveness.Member{Executor: x, Entry: e})
	}
	c, err := liveness.NewChecker(ensemble)
	require.NoError(t, err)
	return c
}

// frontalPeople makes puppets of people evenly spread over the alphabet, and counts the portraits that look aside.
func frontalPeople(t *testing.T, p published, n int) (cast []*activetest.Puppet, left int) {
	t.Helper()
	f, err := os.Open(filepath.Join(testinput.SharedData(t, "faces/lfw-dev.tar"), "faces", "lfw-dev.tar"))
	require.NoError(t, err)
	defer f.Close()
	var portraits [][]byte
	for in := tar.NewReader(f); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if strings.HasSuffix(h.Name, "_0001.jpg") {
			content, err := io.ReadAll(in)
			require.NoError(t, err)
			portraits = append(portraits, content)
		}
	}
	for i := 0; i < len(portraits) && len(cast) < n; i++ {
		r, err := decode(t.Context(), portraits[i*len(portraits)/(2*n)%len(portraits)])
		require.NoError(t, err)
		sight, err := p.meter.Look(t.Context(), r)
		require.NoError(t, err)
		if sight.Measurement.Problem != "" || math.Abs(sight.Measurement.Yaw) > 12 {
			left++
			continue
		}
		mesh, err := p.meter.Landmarker.Locate(t.Context(), r, sight.Face)
		require.NoError(t, err)
		puppet, err := activetest.NewPuppet(r, mesh.Points, frameSize)
		require.NoError(t, err)
		cast = append(cast, puppet)
	}
	require.Len(t, cast, n)
	return cast, left
}
