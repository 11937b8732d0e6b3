package statute

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/number"
)

const (
	// maxFile bounds a file, in bytes; the longest law known has 0.6 MB.
	maxFile = 8 << 20
	// maxArticle bounds an article, in bytes.
	maxArticle = 256 << 10
)

// document is a file, before it is known which law it belongs to.
type document struct {
	title              string // empty: a part of a law that stands elsewhere
	part               string
	version, effective string
	articles           []parsedArticle
}

type parsedArticle struct {
	Article
	line int
}

var (
	comment      = regexp.MustCompile(`(?s)<!--.*?-->`)
	link         = regexp.MustCompile(`!?\[([^\]\n]*)\]\([^)\n]*\)`)
	articleHead  = regexp.MustCompile(`^(第\s*([零〇一二两三四五六七八九十百千]+|[0-9]{1,4})\s*条(之[一二三四五六七八九十]+)?)[\s　:：]*`)
	itemHead     = regexp.MustCompile(`^([一二三四五六七八九十]+)、`)
	partTitle    = regexp.MustCompile(`^(第[零〇一二三四五六七八九十百]+[编章节分]|总\s*则|分\s*则|附\s*则|序\s*言|附\s*件|附\s*录|.{1,8}编$)`)
	appendix     = regexp.MustCompile(`^(附件|附表|附录|附[：:])`)
	date         = regexp.MustCompile(`([12][0-9]{3})\s*年\s*([0-9]{1,2})\s*月\s*([0-9]{1,2})\s*日`)
	effectDate   = regexp.MustCompile(`(?:自\s*)?([12][0-9]{3})\s*年\s*([0-9]{1,2})\s*月\s*([0-9]{1,2})\s*日\s*起?\s*(?:施行|实施|生效)`)
	datedStem    = regexp.MustCompile(`[(（]([12][0-9]{3}-[0-9]{2}-[0-9]{2})[)）]$`)
	ofItself     = regexp.MustCompile(`^本[^，。]{1,8}自`)
	invisible    = strings.NewReplacer("\ufeff", "", "\u200b", "", "\u200c", "", "\u200d", "", "\u00ad", "", "**", "", "<br>", "", "<br/>", "", "&nbsp;", " ", "\r", "")
	spacedNumber = regexp.MustCompile(`\s+`)
)

func isoDate(m []string) string {
	return fmt.Sprintf("%s-%02s-%02s", m[1], zeroed(m[2]), zeroed(m[3]))
}

func zeroed(s string) string {
	if len(s) < 2 {
		return "0" + s
	}
	return s
}

// parse reads a file of Markdown. What can't be used is reported and left out; it never fails as a whole.
func parse(path string, b []byte) (document, []Problem) {
	var d document
	var problems []Problem
	report := func(line int, format string, args ...any) {
		problems = append(problems, Problem{path, line, fmt.Sprintf(format, args...)})
	}
	if len(b) > maxFile {
		report(0, "%d bytes, the limit is %d", len(b), maxFile)
		return d, problems
	}
	// Comments may span lines; blanking them keeps the lines' numbers.
	b = comment.ReplaceAllFunc(b, func(c []byte) []byte { return bytes.Repeat([]byte("\n"), bytes.Count(c, []byte("\n"))) })

	var headings []string
	var levels []int
	var open *parsedArticle
	broken, front, inBody := false, false, false
	items := []parsedArticle{}
	target := &d.articles
	numbers := map[string]int{}
	finish := func() {
		if open == nil {
			return
		}
		a := *open
		open = nil
		a.Text = strings.TrimSpace(a.Text)
		switch {
		case broken:
			report(a.line, "%s holds bytes that are no UTF-8, and is left out", a.Number)
		case !strings.ContainsFunc(a.Text, isHan):
			report(a.line, "%s has no text, and is left out", a.Number)
		case len(a.Text) > maxArticle:
			report(a.line, "%s has %d bytes, the limit is %d; it is left out", a.Number, len(a.Text), maxArticle)
		case numbers[a.Number] > 0:
			report(a.line, "%s stands in line %d already; this one is left out", a.Number, numbers[a.Number])
		default:
			numbers[a.Number] = a.line
			*target = append(*target, a)
		}
		broken = false
	}
	begin := func(line int, number, text string) {
		finish()
		open = &parsedArticle{Article{Number: number, Headings: append([]string(nil), headings...), Text: text}, line}
	}
	for n, raw := range bytes.Split(b, []byte("\n")) {
		line := n + 1
		valid := utf8.Valid(raw) && bytes.IndexByte(raw, 0) < 0
		s := strings.TrimFunc(invisible.Replace(strings.ToValidUTF8(string(raw), "\ufffd")), unicode.IsSpace)
		if s == "---" && (n == 0 || front) {
			front = !front
			continue
		}
		if front || s == "" {
			continue
		}
		level := len(s) - len(strings.TrimLeft(s, "#"))
		bare := strings.TrimFunc(link.ReplaceAllString(s[level:], "$1"), unicode.IsSpace)
		if level > 0 {
			bare = strings.TrimFunc(strings.TrimRight(bare, "#"), unicode.IsSpace)
		}
		if bare == "" {
			continue
		}
		if m := articleHead.FindStringSubmatch(bare); m != nil && !strings.HasPrefix(bare[len(m[0]):], "规定") {
			inBody = true
			if target == &items {
				target = &d.articles
			}
			if !countable(m[2]) {
				finish()
				report(line, "%s is no number of an article; it is left out", m[1])
				continue
			}
			begin(line, spacedNumber.ReplaceAllString(m[1], ""), bare[len(m[0]):])
			broken = !valid
			continue
		}
		if !valid && (open == nil || level > 0) {
			report(line, "holds bytes that are no UTF-8, and is left out")
			continue
		}
		if level > 0 {
			finish()
			heading := strings.Join(strings.Fields(bare), " ")
			if level == 1 && d.title == "" && d.part == "" && !inBody {
				if partTitle.MatchString(heading) {
					d.part = heading
					headings, levels = []string{heading}, []int{1}
				} else {
					d.title = strings.Join(strings.Fields(heading), "")
				}
				continue
			}
			inBody = true
			for len(levels) > 0 && levels[len(levels)-1] >= level {
				levels, headings = levels[:len(levels)-1], headings[:len(headings)-1]
			}
			levels, headings = append(levels, level), append(headings[:len(headings):len(headings)], heading)
			continue
		}
		if !inBody {
			if m := effectDate.FindStringSubmatch(bare); m != nil {
				d.effective = isoDate(m)
				bare = strings.Replace(bare, m[0], "", 1)
			}
			if len(d.articles)+len(items) == 0 && open == nil {
				for _, m := range date.FindAllStringSubmatch(bare, -1) {
					d.version = max(d.version, isoDate(m))
				}
			}
		}
		if m := itemHead.FindStringSubmatch(bare); m != nil && len(d.articles) == 0 && (open == nil || target == &items) {
			target = &items
			begin(line, m[1], bare[len(m[0]):])
			broken = !valid
			continue
		}
		if appendix.MatchString(bare) {
			finish()
			continue
		}
		if open != nil && len(open.Text) <= maxArticle {
			broken = broken || !valid
			if open.Text != "" {
				open.Text += "\n"
			}
			open.Text += bare
		}
	}
	finish()
	if len(d.articles) == 0 {
		d.articles = items
	}
	if d.effective == "" && len(d.articles) > 0 {
		for _, a := range d.articles[max(0, len(d.articles)-3):] {
			if m := effectDate.FindStringSubmatch(a.Text); m != nil && ofItself.MatchString(a.Text) {
				d.effective = isoDate(m)
			}
		}
	}
	return d, problems
}

// countable tells whether a number in characters or digits counts articles.
func countable(s string) bool {
	if s[0] < 0x80 {
		return s != "0"
	}
	n, ok := number.Parse(s)
	return ok && n > 0
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }
