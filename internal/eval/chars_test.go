package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// chars lays characters out from (x, y), 10 px wide each, with one confidence.
func chars(x, y, confidence float64, text string) LineOutput {
	l := LineOutput{Text: text}
	for _, r := range text {
		l.Chars = append(l.Chars, CharOutput{string(r), confidence, [4]float64{x, y, 10, 10}})
		x += 10
	}
	return l
}

func TestCharactersAreJudgedWhereverTheirLineStands(t *testing.T) {
	page := PageOutput{Lines: []LineOutput{chars(0, 50, 0.9, "第二行的文宇"), chars(0, 0, 0.8, "（一）行"), chars(0, 90, 0.7, "不在")}}
	truth := truthLines([]string{"第一行", "(一)行 前后", "第二行的文字"}, nil)
	var right []bool
	for _, j := range judge(page, truth) {
		right = append(right, j.right)
		assert.Negative(t, j.overlap, "no box is known")
	}
	assert.Equal(t, []bool{true, true, true, true, true, false, true, true, true, true, false, false}, right)
}

func TestBoxesAreComparedOfCharactersReadRight(t *testing.T) {
	truth := &pageTruth{}
	require.NoError(t, json.Unmarshal([]byte(`{"lines":[{"text":"甲 乙丙","chars":[["甲",0,0,10,10],["乙",10,5,10,10],["丙",20,0,10,10]]},
		{"text":"甲乙丙","chars":[["甲",0,500,10,10],["乙",10,500,10,10],["丙",20,500,10,10]]}]}`), truth))
	all := judge(PageOutput{Lines: []LineOutput{chars(0, 0, 1, "甲乙X")}}, truthLines(nil, truth))
	require.Len(t, all, 3)
	assert.InDelta(t, 1, all[0].overlap, 1e-9, "the line in the same place counts, not the equal one below")
	assert.InDelta(t, 50./150, all[1].overlap, 1e-9)
	assert.Equal(t, judged{1, false, -1}, all[2])
	b := measureBoxes(all)
	assert.Equal(t, 2, b.Characters)
	assert.InDelta(t, (1+1./3)/2, b.MeanIoU, 1e-9)
	assert.InDelta(t, 0.5, b.AboveHalf, 1e-9)
	assert.Nil(t, measureBoxes(all[2:]))
}

func TestCalibrationTellsConfidenceFromTruth(t *testing.T) {
	var all []judged
	for i := range 100 {
		all = append(all, judged{confidence: 0.95, right: i < 85}, judged{confidence: 0.35, right: i < 35})
	}
	c := calibrate(all)
	assert.Equal(t, 200, c.Characters)
	assert.InDelta(t, 0.05, c.ECE, 1e-9, "half of the characters are sure by 0.1 too much, the others are right")
	assert.InDelta(t, 0.6, c.Right, 1e-9)
	assert.Equal(t, Bin{0.3, 0.4, 100, c.Bins[3].Mean, 0.35}, c.Bins[3])
	assert.Nil(t, calibrate(nil))
	assert.Equal(t, 1, calibrate([]judged{{confidence: 1, right: true}}).Bins[9].Characters, "1 is in the last bin")
}

func TestFitIsThePartWithTheFewestEdits(t *testing.T) {
	letters := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		read, truth := letters.Draw(t, "read"), letters.Draw(t, "truth")
		cost, match := fit(read, truth)
		least := len(read)
		for i := range truth {
			for j := i; j <= len(truth); j++ {
				least = min(least, editDistance(read, truth[i:j]))
			}
		}
		if cost != least || len(match) != len(read) {
			t.Fatalf("cost %d, the least is %d", cost, least)
		}
		last, edits := -1, 0
		for i, m := range match {
			if m < 0 {
				edits++
				continue
			}
			if m <= last {
				t.Fatalf("%v on %v: %v", read, truth, match)
			}
			if last >= 0 {
				edits += m - last - 1
			}
			if read[i] != truth[m] {
				edits++
			}
			last = m
		}
		if edits != cost {
			t.Fatalf("%v on %v: %v takes %d edits, not %d", read, truth, match, edits, cost)
		}
	})
}

func editDistance(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	d := editDistance(a[1:], b[1:])
	if a[0] == b[0] {
		return d
	}
	return 1 + min(d, editDistance(a[1:], b), editDistance(a, b[1:]))
}

func TestMoreIsKnownOfSomePages(t *testing.T) {
	dir := folder(t, map[string]any{
		"a.png": 11, "a.txt": "甲乙\n", "a.json": `{"rotation":90,"kind":"judgment","font":"kai","dpi":150,"applied":["blur","seal"],"lines":[{"text":"甲乙","chars":[["甲",0,0,10,10],["乙",10,0,10,10]]}]}`,
		"b.png": 12, "b.txt": "丙\n", "b.json": `{"rotation":0,"kind":"judgment","applied":["blur"]}`,
		"c.png": 13, "c.txt": "丁\n", "c.json": `{"rotation":45}`,
	})
	o := OCR{Recognizer: withBoxes{}, Peer: byWidth{11: "甲X", 12: "丙"}, Images: imaging.DefaultLimits(), Run: Run{Jobs: 1}}
	var raw bytes.Buffer
	o.Raw = &raw
	r, err := o.Folder(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, 2, r.Files)
	require.Len(t, r.Unscored, 1)
	assert.Contains(t, r.Unscored[0].Error, "rotation 45")
	assert.InDelta(t, 0.5, r.Rotation.Value, 1e-9)
	assert.Equal(t, 2, r.Boxes.Characters, "of page b no box is known")
	var names []string
	for _, g := range r.Groups {
		names = append(names, g.Name)
	}
	assert.Equal(t, []string{"applied=blur", "applied=seal", "dpi=150", "font=kai", "kind=judgment", "rotation=0", "rotation=90"}, names)
	assert.Equal(t, 2, r.Groups[0].Files)
	assert.Equal(t, "by width", r.Peer.Engine)
	assert.InDelta(t, 1./3, r.Peer.Summary.CER.Value, 1e-9)
	assert.Zero(t, r.Peer.CERRatio, "ours made no error")

	records, err := ReadPages(&raw)
	require.NoError(t, err)
	again, err := ScorePages(dir, records)
	require.NoError(t, err)
	assert.Equal(t, r.Calibration, again.Calibration)
	assert.Equal(t, r.Boxes, again.Boxes)
	assert.Equal(t, r.Peer.Summary, again.Peer.Summary)
	var printed bytes.Buffer
	require.NoError(t, r.WriteText(&printed))
	for _, want := range []string{"mean IoU 1.000", "calibration", "kind=judgment", "beside by width"} {
		assert.Contains(t, printed.String(), want)
	}
}

// withBoxes reads 甲乙 on pages of 11 px, 丙 on others, turned by 90 degrees.
type withBoxes struct{}

func (withBoxes) Close() error { return nil }

func (withBoxes) Recognize(_ context.Context, r *imaging.Raster, _ ocr.Options) (ocr.Page, error) {
	text := "丙"
	if r.Width == 11 {
		text = "甲乙"
	}
	var w ocr.Word
	for i, c := range []rune(text) {
		w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(c), Confidence: 0.9, Box: ocr.Box{X: float32(10 * i), W: 10, H: 10}})
	}
	return ocr.Page{Engine: "with boxes", Rotation: 90, Lines: []ocr.Line{{Text: text, Words: []ocr.Word{w}}}}, nil
}

func TestDirectionsAreCounted(t *testing.T) {
	dir := folder(t, map[string]any{
		"a.png": 11, "a.txt": "90\n", "b.png": 12, "b.json": `{"rotation":180}`, "b.txt": "the page's lines", "c.png": 13, "c.txt": "0",
		"d.png": 14, "d.txt": "text", "e.png": 15, "f.jpg": "torn", "f.txt": "270",
	})
	answers := map[int]ocr.Orientation{11: {Degrees: 90, Confidence: 0.99}, 12: {Degrees: 0, Confidence: 0.95}, 13: {Degrees: 180, Confidence: 0.4, Verified: true}}
	o := Orient{Threshold: 0.9, Detect: func(_ context.Context, content []byte) (ocr.Orientation, error) {
		h, err := imaging.Sniff(content)
		if err != nil {
			return ocr.Orientation{}, errors.New("no picture")
		}
		return answers[h.Pages[0].Width], nil
	}}
	var raw bytes.Buffer
	o.Raw = &raw
	r, err := o.Folder(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, 4, r.Files)
	assert.InDelta(t, 0.25, r.Right.Value, 1e-9, "what can't be read counts as wrong")
	assert.Equal(t, 2, r.Above.Count)
	assert.Equal(t, 1, r.Above.Wrong)
	assert.Equal(t, 1, r.Verified)
	assert.Len(t, r.Wrong, 2)
	assert.Len(t, r.Failures, 1)
	assert.Len(t, r.Unscored, 2)
	var printed bytes.Buffer
	require.NoError(t, r.WriteText(&printed))
	assert.Contains(t, printed.String(), "2 answers, 1 wrong")

	records, err := ReadOrientations(&raw)
	require.NoError(t, err)
	again := ScoreOrientations(records, 0.9)
	assert.Equal(t, r.Right, again.Right)
	assert.Equal(t, r.Above, again.Above)
	_, err = ReadOrientations(strings.NewReader(`{"name":"a","truth":1}`))
	require.ErrorContains(t, err, "line 1")

	empty := t.TempDir()
	_, err = o.Folder(t.Context(), empty)
	require.ErrorContains(t, err, "NAME.txt with 0, 90, 180 or 270")
	require.NoError(t, os.WriteFile(filepath.Join(empty, "a.jpg"), nil, 0o600))
	_, err = o.Folder(t.Context(), empty)
	require.Error(t, err)
}
