package export

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
)

const sampleDPI = 100

// meta is what every field looks like when it is set, with characters that formats have to escape.
var meta = Meta{
	Title: `起诉状 (副本) <1> & "二"`, Source: "起诉状;1.jpg", SHA256: strings.Repeat("ab", 32), Language: "zh-Hans",
	Software: "courtsense", Version: "1.2.3", Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
}

// lineAt sets text from (x, y) in squares of em pixels, half of one for what is half wide. A blank takes half a square.
func lineAt(text string, x, y, em float32, vertical bool) ocr.Line {
	l := ocr.Line{Text: text, Confidence: 0.9, Vertical: vertical}
	at := float32(0)
	var w ocr.Word
	flush := func() {
		if len(w.Symbols) > 0 {
			l.Words = append(l.Words, w)
		}
		w = ocr.Word{}
	}
	for _, r := range text {
		width := em * float32(runeWidth(r)) / 2
		if r == ' ' || r == '　' {
			flush()
			at += width
			continue
		}
		box := ocr.Box{X: x + at + 0.05*em, Y: y + 0.05*em, W: width - 0.1*em, H: 0.9 * em}
		if vertical {
			box = ocr.Box{X: x + 0.05*em, Y: y + at + 0.05*em, W: 0.9 * em, H: width - 0.1*em}
		}
		w.Text += string(r)
		w.Confidence = 0.8
		w.Box = w.Box.Union(box)
		w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(r), Box: box, Confidence: 0.95, Candidates: []ocr.Candidate{{Char: "已", Confidence: 0.03}}})
		at += width
	}
	flush()
	l.Polygon = ocr.Box{X: x, Y: y, W: at, H: em}.Polygon()
	if vertical {
		l.Polygon = ocr.Box{X: x, Y: y, W: em, H: at}.Polygon()
	}
	return l
}

// samplePage is a sheet of A4 at 100 dpi with all kinds of lines, upright.
func samplePage() ocr.Page {
	p := ocr.Page{
		Number: 1, Width: 827, Height: 1169, Engine: "test", Steps: []string{"deskew 1.8 degrees"}, Models: []string{"text-recognise"},
		Lines: []ocr.Line{
			lineAt("民事起诉状", 300, 100, 40, false),
			lineAt("原告：张三，男，1980年5月6日出生。", 100, 200, 24, false),
			lineAt("住 所 地：北京市海淀区〔2019〕京0491民初123号", 100, 240, 24, false),
			lineAt("The defendant 𠮷田 <owes> & \"pays\" 3.5万元", 100, 280, 24, false),
			lineAt("竖排文字从上到下", 700, 300, 24, true),
			{Text: "没有坐标的一行 only text", Confidence: 0.5, Polygon: ocr.Box{X: 100, Y: 400, W: 300, H: 24}.Polygon()},
			lineAt("姓名", 100, 600, 20, false), lineAt("金额", 300, 600, 20, false),
			lineAt("李四", 100, 640, 20, false), lineAt("1000元", 300, 640, 20, false),
			lineAt("第1页 共3页", 370, 1120, 20, false),
		},
		Regions: []ocr.Region{
			{Kind: ocr.RegionSeal, Outline: corners(ocr.Box{X: 500, Y: 800, W: 150, H: 150})},
			{Kind: ocr.RegionTable, Outline: corners(ocr.Box{X: 90, Y: 590, W: 400, H: 80}), Lines: []int{6, 7, 8, 9}},
			{Kind: ocr.RegionCell, Outline: corners(ocr.Box{X: 90, Y: 590, W: 200, H: 40}), Lines: []int{6}},
			{Kind: ocr.RegionCell, Outline: corners(ocr.Box{X: 290, Y: 590, W: 200, H: 40}), Lines: []int{7}, Column: 1},
			{Kind: ocr.RegionCell, Outline: corners(ocr.Box{X: 90, Y: 630, W: 200, H: 40}), Lines: []int{8}, Row: 1},
			{Kind: ocr.RegionCell, Outline: corners(ocr.Box{X: 290, Y: 630, W: 200, H: 40}), Lines: []int{9}, Row: 1, Column: 1},
			{Kind: ocr.RegionMargin, Outline: corners(ocr.Box{X: 370, Y: 1120, W: 110, H: 20}), Lines: []int{10}},
		},
	}
	for i := range p.Lines {
		p.Lines[i].Paragraph = []int{0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8}[i]
	}
	return p
}

func corners(b ocr.Box) []ocr.Point { p := b.Polygon(); return p[:] }

// turned is the page with its content turned clockwise.
func turned(p ocr.Page, degrees int) ocr.Page {
	w, h := float64(p.Width), float64(p.Height)
	a := map[int]ocr.Affine{0: ocr.Identity, 90: {0, -1, h, 1, 0, 0}, 180: {-1, 0, w, 0, -1, h}, 270: {0, 1, 0, -1, 0, w}}[degrees]
	p.Rotation = degrees
	if degrees%180 != 0 {
		p.Width, p.Height = p.Height, p.Width
	}
	lines := make([]ocr.Line, len(p.Lines))
	for i, l := range p.Lines {
		l.Polygon = a.Polygon(l.Polygon)
		words := make([]ocr.Word, len(l.Words))
		for k, w := range l.Words {
			w.Box = a.Box(w.Box)
			symbols := make([]ocr.Symbol, len(w.Symbols))
			for n, s := range w.Symbols {
				s.Box = a.Box(s.Box)
				symbols[n] = s
			}
			w.Symbols = symbols
			words[k] = w
		}
		l.Words = words
		lines[i] = l
	}
	p.Lines = lines
	regions := make([]ocr.Region, len(p.Regions))
	for i, r := range p.Regions {
		outline := make([]ocr.Point, len(r.Outline))
		for k, q := range r.Outline {
			outline[k] = a.Apply(q)
		}
		r.Outline = outline
		regions[i] = r
	}
	p.Regions = regions
	return p
}

// blankJPEG is a grey picture with one dark corner, the top left, so that its direction shows.
func blankJPEG(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 250
		if i%width < width/8 && i/width < height/8 {
			img.Pix[i] = 20
		}
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

// tool runs a program on a file and returns what it prints; the test is skipped where the program is not installed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return string(out)
}

// onDisk writes content where other programs can read it.
func onDisk(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}
