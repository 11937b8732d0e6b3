package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/gallery"
)

func publishedFaces(t *testing.T) string {
	t.Helper()
	return testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx", "face/minifasnet_v2_2.7.onnx", "face/minifasnet_v1se_4.0.onnx")
}

func TestFaceCompareAndAssess(t *testing.T) {
	store, portrait, marked := publishedFaces(t), samples+"/faces/astronaut.jpg", t.TempDir()
	r := courtsense(t, "face", "compare", portrait, portrait, "--models", store, "--annotate", marked)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "same person")
	require.Regexp(t, `strangers look this alike in at most 1 in [\d,]+ comparisons \(measured on lfw-train: [\d,]+ pairs of 1,778 people\)`, r.stdout)
	require.FileExists(t, filepath.Join(marked, "astronaut-astronaut.compare.jpg"))

	r = courtsense(t, "face", "compare", portrait, samples+"/documents/agreement-en.png", "--models", store, "--json")
	require.Zero(t, r.code, r.stderr)
	var compared map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &compared))
	require.Equal(t, "undecided", compared["verdict"])
	require.Contains(t, compared["reason"], "right picture: no face")
	require.NotContains(t, compared, "cosine")
	require.NotContains(t, compared, "right_face")

	r = courtsense(t, "face", "compare", portrait, portrait, "--models", store, "--fmr", "0.000001")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "[FALSE_MATCH_RATE_UNSUPPORTED]", "lfw-train")
	r = courtsense(t, "face", "compare", portrait)
	require.Equal(t, exitUsage, r.code)
	r.requireOneLine(t, "name two pictures")
	r = courtsense(t, "face", "compare", "-", "-")
	require.Equal(t, exitUsage, r.code)

	r = courtsense(t, "face", "assess", portrait, samples+"/documents/agreement-en.png", "--models", store, "--json", "--annotate", marked)
	require.Zero(t, r.code, r.stderr)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	require.Len(t, lines, 2)
	var q struct {
		File       string
		Verdict    string
		Components []struct{ Measure, Verdict, Advice string }
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &q))
	require.Equal(t, "retake", q.Verdict)
	require.Equal(t, "single_face_present", q.Components[0].Measure)
	require.FileExists(t, filepath.Join(marked, "astronaut.quality.jpg"))
	r = courtsense(t, "face", "assess", portrait, "--profile", "passport")
	require.Equal(t, exitUsage, r.code)
	r.requireOneLine(t, "id-photo, selfie, gate")
}

func TestFaceLiveness(t *testing.T) {
	store := publishedFaces(t)
	images := testinput.SharedData(t, "images/image_T1.jpg", "images/image_F1.jpg")
	live, attack := filepath.Join(images, "images", "image_T1.jpg"), filepath.Join(images, "images", "image_F1.jpg")
	r := courtsense(t, "face", "liveness", live, attack, "--models", store, "-j", "1")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "image_T1.jpg: a live person")
	require.Contains(t, r.stdout, "image_F1.jpg: a picture, screen or mask")
	r = courtsense(t, "face", "liveness", "--frames", live, live, "--models", store, "--json")
	require.Zero(t, r.code, r.stderr)
	require.Regexp(t, `^\{"verdict":"live","score":0\.\d+,"threshold":0\.\d+,"frames":2,"error_rates":\[.*\],"face":\{`, r.stdout)
	r = courtsense(t, "face", "liveness", "--frames", live, "--annotate", t.TempDir(), "--models", store)
	require.Equal(t, exitUsage, r.code)
}

func TestGalleryOnTheCommandLine(t *testing.T) {
	store, portrait, dir := publishedFaces(t), samples+"/faces/astronaut.jpg", t.TempDir()
	key := filepath.Join(dir, "key")
	with := func(args ...string) result {
		return courtsense(t, append(args, "--set", "galleries.key_file="+key, "--set", "galleries.path="+filepath.Join(dir, "g.db"))...)
	}
	in := func(args ...string) result { return with(append(args, "--models", store)...) }
	r := courtsense(t, "gallery", "list")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "[GALLERIES_UNCONFIGURED]", "gallery keygen")
	r = courtsense(t, "gallery", "keygen", key, "--id", "one")
	require.Zero(t, r.code, r.stderr)
	info, err := os.Stat(key)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	require.NotContains(t, r.stdout+r.stderr, "=", "a key is not shown")

	r = in("gallery", "create", "staff", "--title", "Staff", "--retention", "48h")
	require.Zero(t, r.code, r.stderr)
	r = in("face", "enroll", portrait, "--gallery", "staff", "--person", "collins", "--profile", "gate", "--label", "zone=B")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "enrolled as galleries/staff/persons/collins")
	r = in("face", "identify", portrait, "--gallery", "staff", "--json", "--annotate", dir)
	require.Zero(t, r.code, r.stderr)
	require.Regexp(t, `^\{"unknown":false,"candidates":\[\{"name":"galleries/staff/persons/collins","labels":\{"zone":"B"\},"templates":1,"verdict":"match",`, r.stdout)
	require.FileExists(t, filepath.Join(dir, "astronaut.identify.jpg"))
	r = in("face", "identify", samples+"/documents/agreement-en.png", "--gallery", "staff")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "could not be searched for: no face")
	r = in("face", "enroll", samples+"/documents/agreement-en.png", "--gallery", "staff", "--person", "nobody")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "[FACE_NOT_FOUND]")
	r = in("gallery", "show", "staff", "--json")
	require.Contains(t, r.stdout, `"persons":1,"templates":1,"retention_seconds":172800`)

	r = courtsense(t, "gallery", "keygen", key, "--id", "two")
	require.Zero(t, r.code, r.stderr)
	r = with("gallery", "rotate")
	require.Zero(t, r.code, r.stderr)
	keys, err := gallery.LoadKeyring(key)
	require.NoError(t, err)
	require.Equal(t, []string{"two", "one"}, keys.IDs())
	text, err := os.ReadFile(key)
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	require.NoError(t, os.WriteFile(key, []byte(first), 0o600), "the old key is needed no more")
	r = with("gallery", "check")
	require.Zero(t, r.code, r.stderr)
	require.Equal(t, "staff: 1 person with 1 template whole\n", r.stdout)
	r = courtsense(t, "gallery", "keygen", portrait)
	require.Equal(t, exitFailed, r.code, "a picture does not become a key file")

	r = in("gallery", "remove", "staff", "collins")
	require.Zero(t, r.code, r.stderr)
	require.Regexp(t, `^deleted galleries/staff/persons/collins at .*: 1 person, 1 template, records sha256 [0-9a-f]{64}\n$`, r.stdout)
	r = in("gallery", "delete", "staff", "--json")
	require.Zero(t, r.code, r.stderr)
	r = in("gallery", "list")
	require.Empty(t, r.stdout)
	for _, args := range [][]string{{"face", "identify", portrait}, {"face", "enroll", portrait, "--gallery", "staff"}, {"gallery", "create"}, {"gallery", "remove", "staff"}} {
		r = courtsense(t, args...)
		require.Equal(t, exitUsage, r.code, args)
	}
}

func TestRatesAsPeopleCount(t *testing.T) {
	for rate, want := range map[float64]string{0.1: "1 in 10", 1e-4: "1 in 10,000", 6.889e-6: "1 in 150,000", 0.0026: "1 in 380", 0.3: "1 in 3", 1: "1 in 1"} {
		assert.Equal(t, want, oneIn(rate))
	}
	assert.Equal(t, "strangers often look this alike", strangers(&pb.MeasuredRate{Rate: 0.9, Lower: 0.8}))
	assert.Equal(t, "strangers look this alike in at most 1 in 1,000 comparisons", strangers(&pb.MeasuredRate{Rate: 0.001, Upper: 0.002}))
}

func TestEvalFaceCalibrateMistakes(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"face calibrate " + t.TempDir(), "--out FILE"},
		{"face calibrate x --out y --people some", "--people"},
		{"face calibrate --out y", "name one folder"},
	} {
		code, _, stderr := evaluate(t, strings.Fields(c.args)...)
		assert.Equal(t, exitUsage, code, c.args)
		assert.Contains(t, stderr, c.want)
	}
}

// cardOf writes the specimen of an identity card with the portrait in its frame.
func cardOf(t *testing.T, portrait string) string {
	t.Helper()
	decode := func(file string) *imaging.Raster {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		r, _, err := codec.Decode(t.Context(), content, imaging.DefaultLimits())
		require.NoError(t, err)
		return r
	}
	card := decode(samples + "/documents/idcard-specimen.jpg")
	face := imaging.Resize(decode(portrait).Crop(128, 20, 200, 277), 204, 283)
	for y := range face.Height {
		copy(card.Row(114 + y)[3*724:], face.Row(y))
	}
	out, err := codec.EncodeJPEG(card, 90)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "card.jpg")
	require.NoError(t, os.WriteFile(file, out, 0o600))
	return file
}

func TestFaceVerify(t *testing.T) {
	store, portrait := publishedFaces(t), samples+"/faces/astronaut.jpg"
	card := cardOf(t, portrait)
	r := courtsense(t, "face", "verify", portrait, card, "--models", store)
	require.Zero(t, r.code, r.stderr)
	require.Regexp(t, `^VERIFIED\n  quality    passed\n`, r.stdout)
	require.Regexp(t, `compare    passed\n .*strangers look this alike in at most 1 in [\d,]+ comparisons`, r.stdout)

	r = courtsense(t, "face", "verify", portrait, card, "--models", store, "--name", "张三", "--json")
	require.Zero(t, r.code, r.stderr)
	var answer struct {
		Verdict string
		Steps   []struct {
			Step, Reason, Detail string
			Passed               bool
			Fields               map[string]any `json:"id_fields"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &answer))
	require.Equal(t, "rejected", answer.Verdict)
	last := answer.Steps[len(answer.Steps)-1]
	require.Equal(t, "NAME_DIFFERS", last.Reason)
	require.Equal(t, "样本某", last.Fields["read_name"])
	require.Equal(t, false, last.Fields["name_matches"])
	require.NotContains(t, last.Fields, "number_matches")

	r = courtsense(t, "face", "verify", "--session", "livenessSessions/x", card, "--models", store)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "[LIVENESS_SESSION_UNKNOWN]")
	for _, args := range [][]string{{portrait}, {"-", "-"}, {"--session", "x", portrait, card}} {
		r = courtsense(t, append([]string{"face", "verify"}, args...)...)
		require.Equal(t, exitUsage, r.code, args)
	}
}

// A camera that shows one picture for ever is no person.
func TestActiveLivenessOfACamera(t *testing.T) {
	store := publishedFaces(t)
	testinput.SharedModels(t, "face/pfld_ghostone_98pt.onnx")
	portrait, err := os.ReadFile(samples + "/faces/astronaut.jpg")
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for {
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(portrait), portrait); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-every.C:
			case <-r.Context().Done():
				return
			}
		}
	}))
	defer server.Close()
	r := courtsense(t, "face", "liveness", "--active", "--camera", server.URL, "--models", store, "--json")
	require.Zero(t, r.code, r.stderr)
	require.Regexp(t, `^\{"verdict":"(attack|undecided)","reason":"(FRAMES_REPEATED|FACE_LOST|NOT_READY)","steps":\[`, r.stdout)
	for _, args := range [][]string{{"--active"}, {"--camera", "device:0"}, {"--active", "--camera", "device:0", "selfie.jpg"}, {"--active", "--camera", "nowhere"}} {
		r = courtsense(t, append([]string{"face", "liveness", "--models", store}, args...)...)
		require.Equal(t, exitUsage, r.code, "%v: %s", args, r.stderr)
	}
}
