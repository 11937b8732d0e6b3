package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/speech"
)

type pagesJSON struct {
	File  string
	Pages []struct {
		Page, Width, Height, Rotation int
		Lines                         []struct {
			Text       string
			Confidence float64
			Polygon    [][2]float64
			Chars      []struct {
				Char       string
				Box        [4]float64
				Confidence float64
			}
		}
	}
	Error struct{ Reason, Message string }
}

func TestOCR(t *testing.T) {
	card := samples + "/documents/idcard-specimen.jpg"
	marked, texts := t.TempDir(), t.TempDir()
	r := courtsense(t, "ocr", card, "--json", "--annotate", marked)
	require.Zero(t, r.code, r.stderr)
	require.True(t, strings.HasPrefix(r.stdout, `{"pages":[{"page":1,"width":1012,"height":638,"rotation":0,"lines":[{"text":`), r.stdout)
	require.Equal(t, 1, strings.Count(r.stdout, "\n"))
	var d pagesJSON
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &d))
	require.Len(t, d.Pages, 1)
	text := ""
	for _, l := range d.Pages[0].Lines {
		text += l.Text + "\n"
		require.Len(t, l.Polygon, 4)
		require.NotEmpty(t, l.Chars)
	}
	require.Contains(t, text, "000000209913400000")
	require.FileExists(t, filepath.Join(marked, "idcard-specimen.page-1.png"))

	r = courtsense(t, "ocr", card, "-o", texts)
	require.Zero(t, r.code, r.stderr)
	require.Empty(t, r.stdout)
	written, err := os.ReadFile(filepath.Join(texts, "idcard-specimen.txt"))
	require.NoError(t, err)
	require.Equal(t, text, string(written), "text and JSON tell the same lines")
}

func TestOCRFromStandardInputAndPages(t *testing.T) {
	pdf, err := os.ReadFile(samples + "/documents/evidence-two-pages.pdf")
	require.NoError(t, err)
	r := courtsenseWith(t, string(pdf), "ocr", "-", "--json", "--pages", "2", "--dpi", "150")
	require.Zero(t, r.code, r.stderr)
	var d pagesJSON
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &d))
	require.Len(t, d.Pages, 1)
	require.Equal(t, 2, d.Pages[0].Page)
}

func TestOCRReportsEachFile(t *testing.T) {
	dir := t.TempDir()
	empty, liar := filepath.Join(dir, "empty.png"), filepath.Join(dir, "liar.pdf")
	require.NoError(t, os.WriteFile(empty, nil, 0o644))
	require.NoError(t, os.WriteFile(liar, []byte("not a PDF at all"), 0o644))
	r := courtsense(t, "ocr", empty, liar, filepath.Join(dir, "absent.png"), samples+"/documents/idcard-specimen.jpg", "--json")
	require.Equal(t, exitFailed, r.code)
	require.Equal(t, 3, strings.Count(r.stderr, "\n"), r.stderr)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	require.Len(t, lines, 4)
	for i, want := range []string{"EMPTY", "UNSUPPORTED_TYPE", "UNREADABLE", ""} {
		var d pagesJSON
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &d), lines[i])
		require.NotEmpty(t, d.File)
		require.Equal(t, want, d.Error.Reason)
		require.Equal(t, want == "", len(d.Pages) == 1)
	}

	r = courtsense(t, "ocr", liar, "--json")
	require.Equal(t, exitFailed, r.code)
	require.Empty(t, r.stdout, "a single file that fails has no object")
	r.requireOneLine(t, "liar.pdf", "[UNSUPPORTED_TYPE]")
	r = courtsense(t, "ocr", t.TempDir())
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "the folder holds no .pdf")
	r = courtsense(t, "ocr", samples+"/documents/idcard-specimen.jpg", "--languages", "xyz")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "xyz")
}

func TestFaceDetect(t *testing.T) {
	store := testinput.SharedModels(t)
	portrait := samples + "/faces/astronaut.jpg"
	marked := t.TempDir()
	r := courtsense(t, "face", "detect", portrait, "--json", "--models", store, "--annotate", marked)
	require.Zero(t, r.code, r.stderr)
	require.Regexp(t, `^\{"faces":\[\{"box":\[[\d.]+(,[\d.]+){3}\],"score":0\.\d{1,4},"landmarks":\[(\[[\d.]+,[\d.]+\],?){5}\]\}\]\}\n$`, r.stdout)
	require.FileExists(t, filepath.Join(marked, "astronaut.faces.jpg"))

	r = courtsense(t, "face", "detect", portrait, samples+"/documents/agreement-en.png", "--models", store)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "astronaut.jpg: 1 face (512x512 px)")
	require.Contains(t, r.stdout, "agreement-en.png: 0 faces")

	r = courtsense(t, "face", "detect", portrait, "--min-score", "1", "--models", store, "--json")
	require.Equal(t, "{\"faces\":[]}\n", r.stdout)
	r = courtsense(t, "face", "detect", portrait, "--model", "face-detect-yunet-s", "--models", store)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "1 face")
	r = courtsense(t, "face", "detect", portrait, "--model", "vad-embedded", "--models", store)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "vad-embedded", "face-detection")
	r = courtsense(t, "face", "detect", samples+"/speech/tones-16k.wav", "--models", store)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "tones-16k.wav", "[UNSUPPORTED_TYPE]")
}

func TestTranscribe(t *testing.T) {
	recording := samples + "/speech/two-seats-16k.wav"
	r := courtsense(t, "transcribe", recording, "--json")
	require.Zero(t, r.code, r.stderr)
	require.Empty(t, r.stderr)
	var heard struct{ Segments []speech.Segment }
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &heard))
	require.Regexp(t, `^\{"segments":\[\{"start":[\d.]+,"end":[\d.]+,"channel":0,"text":"[^"]+","words":\[\{"text":"[^"]+","start":`, r.stdout)
	table, err := os.ReadFile(samples + "/speech/two-seats-16k.txt")
	require.NoError(t, err)
	truth, err := parseIntervals(string(table))
	require.NoError(t, err)
	require.NoError(t, matchIntervals(truth, heard.Segments))

	out := t.TempDir()
	r = courtsense(t, "transcribe", samples+"/speech/opening-zh-48k.flac", samples+"/speech/opening-zh-opus.ogg", "--format", "srt", "-o", out)
	require.Zero(t, r.code, r.stderr)
	for _, name := range []string{"opening-zh-48k.srt", "opening-zh-opus.srt"} {
		b, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(b), "1\n00:00:00,"), "%q", b)
	}
	require.True(t, strings.HasPrefix(courtsense(t, "transcribe", recording, "--format", "vtt").stdout, "WEBVTT\n"))
	require.Contains(t, courtsense(t, "transcribe", recording, "--set", "speech.recognition.model=none").stdout, "channel 1  (speech)")
	r = courtsense(t, "transcribe", samples+"/faces/astronaut.jpg")
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "[UNSUPPORTED_TYPE]")
}

func TestTranscribeRawSamples(t *testing.T) {
	wav, err := os.ReadFile(samples + "/speech/court-en-16k.wav")
	require.NoError(t, err)
	r := courtsenseWith(t, string(wav[44:]), "transcribe", "-", "--encoding", "linear16", "--rate", "16000", "--json")
	require.Zero(t, r.code, r.stderr)
	fromFile := courtsense(t, "transcribe", samples+"/speech/court-en-16k.wav", "--json")
	require.Equal(t, fromFile.stdout, r.stdout)
}

func TestParsePages(t *testing.T) {
	ranges, err := parsePages("1-3, 7,12-")
	require.NoError(t, err)
	var got [][2]int32
	for _, r := range ranges {
		got = append(got, [2]int32{r.First, r.Last})
	}
	require.Equal(t, [][2]int32{{1, 3}, {7, 7}, {12, 0}}, got)
	for _, wrong := range []string{"0", "-3", "x", "1-0", "3-1", "1,,2", "99999999999"} {
		_, err := parsePages(wrong)
		require.Error(t, err, wrong)
	}
}

// Results of different files must never overwrite each other.
func TestResultNamesAreUnique(t *testing.T) {
	inputs := []input{{name: "a.png"}, {name: "a.jpg"}, {name: "b.png"}, {name: "sub/a.png"}, {name: "a.png"}}
	nameResults(inputs)
	var names []string
	for _, in := range inputs {
		names = append(names, in.name)
	}
	require.Equal(t, []string{"a.png", "a.jpg", "b", "sub/a", "a.png-2"}, names)

	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a.png", "a.png-2", "a.jpg", "b.png", "b", ".png"}), 1, 12).Draw(t, "names")
		inputs := make([]input, len(words))
		for i, w := range words {
			inputs[i].name = w
		}
		nameResults(inputs)
		seen := map[string]bool{}
		for _, in := range inputs {
			if in.name == "" || seen[in.name] {
				t.Fatalf("%q comes twice, or is empty: %v", in.name, inputs)
			}
			seen[in.name] = true
		}
	})
}

func TestInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, jobs := rapid.IntRange(0, 60).Draw(t, "n"), rapid.IntRange(1, 8).Draw(t, "jobs")
		var got []int
		inOrder(context.Background(), n, jobs, func(_ context.Context, i int) int { return i * i }, func(i, r int) {
			if r != i*i || i != len(got) {
				t.Fatalf("result %d of item %d came at place %d", r, i, len(got))
			}
			got = append(got, r)
		})
		if len(got) != n {
			t.Fatalf("%d of %d results came", len(got), n)
		}
	})
}

func TestMatchIntervals(t *testing.T) {
	truth := []speech.Segment{{Start: 1, End: 2}, {Start: 1.5, End: 3, Channel: 1}}
	require.NoError(t, matchIntervals(truth, []speech.Segment{{Start: 0.9, End: 2.2}, {Start: 1.4, End: 3.1, Channel: 1}}))
	require.Error(t, matchIntervals(truth, []speech.Segment{{Start: 0.9, End: 2.2}}), "one is missing")
	require.Error(t, matchIntervals(truth, []speech.Segment{{Start: 0.9, End: 2.2}, {Start: 1.4, End: 3.1}}), "wrong channel")
	require.Error(t, matchIntervals(truth, []speech.Segment{{Start: 5, End: 6}, {Start: 1.4, End: 3.1, Channel: 1}}), "elsewhere")
}

func TestRounding(t *testing.T) {
	b, err := json.Marshal(tuple{1.04, 1.05, -0.01, 177})
	require.NoError(t, err)
	require.Equal(t, "[1,1,0,177]", string(b))
	b, err = json.Marshal(score(0.93524))
	require.NoError(t, err)
	require.Equal(t, "0.9352", string(b))
}
