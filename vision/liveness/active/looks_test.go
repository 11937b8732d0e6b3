package active_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness/active"
	"github.com/courtsense/courtsense/vision/liveness/active/activetest"
)

// looks are what thresholds were chosen by: what people do, and what is done with photographs of them.
var looks = []struct {
	name  string
	look  activetest.Look
	sheet *activetest.Sheet
}{
	{"at rest again", activetest.Look{}, nil}, {"turned by 25 degrees", activetest.Look{Yaw: 25}, nil}, {"turned by 35 degrees", activetest.Look{Yaw: 35}, nil},
	{"chin lowered by 10 degrees", activetest.Look{Pitch: -10}, nil}, {"chin lowered by 20 degrees", activetest.Look{Pitch: -20}, nil},
	{"chin lifted by 10 degrees", activetest.Look{Pitch: 10}, nil},
	{"mouth a little open", activetest.Look{Mouth: 0.2}, nil}, {"mouth open", activetest.Look{Mouth: 0.4}, nil}, {"mouth wide open", activetest.Look{Mouth: 0.7}, nil},
	{"eyes half shut", activetest.Look{Eyes: 0.5}, nil}, {"eyes shut", activetest.Look{Eyes: 1}, nil}, {"nearer by half", activetest.Look{Near: 1.5}, nil},
	{"photo tilted by 25 degrees", activetest.Look{Yaw: 25}, &activetest.Sheet{}}, {"photo tilted by 40 degrees", activetest.Look{Yaw: 40}, &activetest.Sheet{}},
	{"photo tilted back by 30 degrees", activetest.Look{Pitch: -30}, &activetest.Sheet{}},
	{"photo bent and tilted by 38 degrees", activetest.Look{Yaw: 38}, &activetest.Sheet{Bend: 0.4, Axis: 0.4, Arch: 0.3}},
	{"photo bent strongly and tilted by 30 degrees", activetest.Look{Yaw: 30}, &activetest.Sheet{Bend: 1, Axis: -0.6}},
}

// seen is how a measure changes from the resting face, over people: 5th percentile, median and 95th.
type seen [3]float64

// TestWhatTheModelsSee measures how the measures that actions are told by follow what is drawn.
func TestWhatTheModelsSee(t *testing.T) {
	if *people == 0 {
		t.Skip("measures for minutes; run with -people 24 -out FILE")
	}
	result := map[string]map[string]map[string]seen{}
	for name, ids := range map[string][3]string{
		"face-landmarks-pfld-98":  {"face-detect-yunet-n", "face-landmarks-pfld-98", "face-embedding-mobilefacenet"},
		"face-landmarks-embedded": {"face-detect-embedded", "face-landmarks-embedded", "face-embedding-embedded"},
	} {
		drawer, p := openPublished(t), openModels(t, ids[0], ids[1], ids[2])
		cast, _ := frontalPeople(t, drawer, *people)
		result[name] = map[string]map[string]seen{}
		for _, l := range looks {
			values := map[string][]float64{}
			for i, puppet := range cast {
				stage := activetest.NewPictures(p.meter, map[string]*activetest.Puppet{"A": puppet}, decode, uint64(i))
				measure := func(s activetest.Scene) active.Measurement {
					shot, err := stage.Shoot(s)
					require.NoError(t, err)
					m, err := stage.Measure(shot, func(m active.Measurement) bool { return m.Problem == "" })
					require.NoError(t, err)
					return m
				}
				rest, m := measure(activetest.Scene{Person: "A"}), measure(activetest.Scene{Person: "A", Look: l.look, Sheet: l.sheet})
				if rest.Problem != "" || m.Problem != "" {
					values["lost"] = append(values["lost"], 1)
					continue
				}
				for measure, v := range map[string]float64{
					"yaw": m.Yaw - rest.Yaw, "relief": m.Relief - rest.Relief, "pitch": m.Pitch - rest.Pitch, "lip_gap": m.LipGap - rest.LipGap,
					"eye_opening_ratio": m.EyeOpening / rest.EyeOpening, "size_ratio": m.Size / rest.Size,
					"aspect_excess": m.Aspect/rest.Aspect - 1/math.Cos(min(1.3*math.Abs(m.Yaw-rest.Yaw), 60)*math.Pi/180),
					"cosine":        float64(face.Similarity(m.Template, rest.Template)),
				} {
					values[measure] = append(values[measure], v)
				}
			}
			row := map[string]seen{}
			text := ""
			for _, measure := range []string{"yaw", "relief", "pitch", "lip_gap", "eye_opening_ratio", "size_ratio", "aspect_excess", "cosine"} {
				v := slices.Sorted(slices.Values(values[measure]))
				if len(v) == 0 {
					continue
				}
				var q seen
				for i, share := range []float64{0.05, 0.5, 0.95} {
					q[i] = math.Round(v[int(share*float64(len(v)-1)+0.5)]*1000) / 1000
				}
				row[measure] = q
				text += fmt.Sprintf(" %s %.3g<%.3g<%.3g", measure, q[0], q[1], q[2])
			}
			result[name][l.name] = row
			t.Logf("%s, %s (%d lost):%s", name, l.name, len(values["lost"]), text)
		}
	}
	if *output == "" {
		return
	}
	b, err := json.MarshalIndent(map[string]any{
		"data":    fmt.Sprintf("LFW folds 7 and 8: %d people drawn in %d px, change from the resting face, 5th percentile, median and 95th", *people, frameSize),
		"command": fmt.Sprintf("go test ./vision/liveness/active -run WhatTheModelsSee -people %d -out FILE", *people), "models": result,
	}, "", " ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*output, append(b, '\n'), 0o644)) //nolint:gosec // a result to be committed
}
