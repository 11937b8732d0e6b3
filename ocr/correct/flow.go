package correct

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

// glyph is one symbol of a running text.
type glyph struct {
	line, word, symbol int // indices into Page.Lines, Line.Words, Word.Symbols
	r                  rune
	confidence         float32
	candidates         []ocr.Candidate
}

// flow is text that reads on from line to line.
type flow []glyph

func (f flow) runes() []rune {
	out := make([]rune, len(f))
	for i, g := range f {
		out[i] = g.r
	}
	return out
}

// lines yields where each line begins and where the next one does.
func (f flow) lines() iter.Seq2[int, int] {
	return f.parts(func(a, b glyph) bool { return a.line == b.line })
}

// words yields the pieces between blanks, which end with their line.
func (f flow) words() iter.Seq2[int, int] {
	return f.parts(func(a, b glyph) bool { return a.line == b.line && a.word == b.word })
}

// parts yields the stretches of glyphs that belong together, each with its first, as from and to.
func (f flow) parts(together func(a, b glyph) bool) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < len(f); {
			to := from + 1
			for to < len(f) && together(f[from], f[to]) {
				to++
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}

// around is the mean confidence of the neighbours of a glyph, 0 where there are none. What was misread all over is no context to
// judge by, nor can it be told there what must not be touched.
func (f flow) around(at int) float32 {
	const reach = 4
	sum, n := float32(0), 0
	for i := max(0, at-reach); i < min(len(f), at+reach+1); i++ {
		if i != at {
			sum, n = sum+f[i].confidence, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float32(n)
}

// counts tells whether 千 at a place counts anything: a numeral or a unit stands beside it.
func (f flow) counts(at int) bool {
	return at > 0 && (numeric(f[at-1].r) > 1 || strings.ContainsRune("数几上成好", f[at-1].r)) ||
		at+1 < len(f) && (numeric(f[at+1].r) > 0 || strings.ContainsRune("克米瓦卡帕伏公斤多余", f[at+1].r))
}

// figures tells whether the mark at a place stands behind figures or Latin letters, which are one class each to the model whatever
// they say: it cannot know which mark belongs there.
func (f flow) figures(at int) bool { return at > 0 && f[at-1].r < utf8.RuneSelf }

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// flows joins the page's lines where one reads on in the next, and returns each running text.
func flows(lines []ocr.Line) []flow {
	next := follow(lines)
	continued := make([]bool, len(lines))
	for _, j := range next {
		if j >= 0 {
			continued[j] = true
		}
	}
	var out []flow
	for i := range lines {
		if continued[i] {
			continue
		}
		var f flow
		for j := i; j >= 0; j = next[j] {
			f = appendLine(f, lines[j], j)
		}
		if len(f) > 0 {
			out = append(out, f)
		}
	}
	return out
}

func appendLine(f flow, l ocr.Line, line int) flow {
	for w, word := range l.Words {
		for s, symbol := range word.Symbols {
			// A character that takes more than one code point is none that the model knows.
			r, size := utf8.DecodeRuneInString(symbol.Char)
			if size != len(symbol.Char) {
				r = utf8.RuneError
			}
			f = append(f, glyph{line, w, s, r, symbol.Confidence, symbol.Candidates})
		}
	}
	return f
}

// leastRunning is how long a line must be, in heights, to read on in another: shorter ones are the cells of a table, and what
// stands in each, such as a name, must be told from what stands below it.
const leastRunning = 6

// follow returns for each line the one that its text reads on in, or -1: a line of like height close below that begins no
// further right (a paragraph is indented), under a line that is as long as there is room.
func follow(lines []ocr.Line) []int {
	next, taken := make([]int, len(lines)), make([]bool, len(lines))
	boxes, order := make([]ocr.Box, len(lines)), make([]int, len(lines))
	for i, l := range lines {
		boxes[i], order[i], next[i] = l.Polygon.Bounds(), i, -1
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch ya, yb := boxes[a].Y, boxes[b].Y; {
		case ya < yb:
			return -1
		case ya > yb:
			return 1
		}
		return 0
	})
	for k, i := range order {
		a := boxes[i]
		if lines[i].Vertical || a.H <= 0 || a.W < leastRunning*a.H {
			continue
		}
		for _, j := range order[k+1:] {
			b := boxes[j]
			if b.Y > a.Y+3*a.H {
				break
			}
			h := min(a.H, b.H)
			if taken[j] || lines[j].Vertical || h <= 0 || max(a.H, b.H) > 1.6*h || b.Y < a.Y+0.6*h || b.Y > a.Y+a.H+1.4*h {
				continue
			}
			if b.X < a.X+h && b.X+b.W > a.X && a.X+a.W > b.X+b.W-1.6*h && a.X+a.W > b.X {
				next[i], taken[j] = j, true
				break
			}
		}
	}
	return next
}

// offsets returns where each symbol of a line begins in its text, in bytes, and false when the text is not its symbols'.
func offsets(l ocr.Line) ([][]int, bool) {
	out, at := make([][]int, len(l.Words)), 0
	for w, word := range l.Words {
		for _, s := range word.Symbols {
			i := strings.Index(l.Text[at:], s.Char)
			if i < 0 || s.Char == "" || strings.TrimSpace(l.Text[at:at+i]) != "" {
				return nil, false
			}
			out[w] = append(out[w], at+i)
			at += i + len(s.Char)
		}
	}
	return out, true
}
