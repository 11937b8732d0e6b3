package eval

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
)

// ChangeOutput is one character that the language model changed.
type ChangeOutput struct {
	Symbol   int    `json:"symbol"`   // index into the line's characters
	Position int    `json:"position"` // index into the line's text, in characters
	Was      string `json:"was"`
}

// changesOf returns a line's changes.
func changesOf(p ocr.Page, line int) []ChangeOutput {
	var out []ChangeOutput
	for _, c := range p.Corrections {
		if c.Line == line {
			out = append(out, ChangeOutput{c.Symbol, c.Position, c.Original})
		}
	}
	return out
}

// holds tells whether a change can have been made to the line: a record may come from anywhere.
func (l LineOutput) holds(c ChangeOutput) bool {
	return c.Symbol >= 0 && c.Symbol < len(l.Chars) && c.Position >= 0 && c.Position < utf8.RuneCountInString(l.Text) && utf8.RuneCountInString(c.Was) == 1
}

// asRead returns the line as the recogniser read it.
func (l LineOutput) asRead() LineOutput {
	if len(l.Changes) == 0 {
		return l
	}
	text := []rune(l.Text)
	l.Chars = append([]CharOutput{}, l.Chars...)
	for _, c := range l.Changes {
		if l.holds(c) {
			text[c.Position], _ = utf8.DecodeRuneInString(c.Was)
			l.Chars[c.Symbol].Char = c.Was
		}
	}
	l.Text, l.Changes = string(text), nil
	return l
}

func (p PageOutput) asRead() PageOutput {
	lines := make([]LineOutput, len(p.Lines))
	for i, l := range p.Lines {
		lines[i] = l.asRead()
	}
	p.Lines = lines
	return p
}

// Corrections tells what the language model's changes have done to the pages, against the same readings without them. Errors
// are edits as the character error rate counts them.
type Corrections struct {
	Pages          int     `json:"pages"`
	Characters     int     `json:"characters"` // of the truth
	ErrorsBefore   int     `json:"errors_before"`
	ErrorsAfter    int     `json:"errors_after"`
	Cut            float64 `json:"cut"`                        // share of the errors
	MisreadBefore  int     `json:"misread_before"`             // errors in lines that were read where one stands; see [Causes]
	MisreadAfter   int     `json:"misread_after"`              // of pages whose characters' places are known
	MisreadCut     float64 `json:"misread_cut"`                // share of those
	Changes        int     `json:"changes"`                    // characters that were changed
	Mended         int     `json:"mended"`                     // wrong before, right now
	Damaged        int     `json:"damaged"`                    // right before, wrong now
	Other          int     `json:"other"`                      // wrong before and now, or where the truth has nothing
	RightBefore    int     `json:"right_before"`               // characters that were right before
	DamagedShare   float64 `json:"damaged_share"`              // of those
	Protected      int     `json:"protected"`                  // changes of what is a number, an amount, a date, a case number or a name in the truth
	DamagedPlaces  []Place `json:"damaged_places,omitempty"`   // each of Damaged
	ProtectedPlace []Place `json:"protected_places,omitempty"` // each of Protected
}

// Place is where a page was changed.
type Place struct {
	File  string `json:"file"`
	Truth string `json:"truth"` // the line
	Was   string `json:"was"`
	Now   string `json:"now"`
}

// add counts a page.
func (c *Corrections) add(file string, p PageOutput, texts []string, truth *pageTruth) {
	before := p.asRead()
	text := func(p PageOutput) []string {
		out := make([]string, len(p.Lines))
		for i, l := range p.Lines {
			out[i] = l.Text
		}
		return out
	}
	was, now := accuracy.Page(texts, text(before)), accuracy.Page(texts, text(p))
	c.Pages++
	c.Characters += now.Characters
	c.ErrorsBefore += was.Edits.Total()
	c.ErrorsAfter += now.Edits.Total()
	if a, b := causesOf(before, texts, truth, was), causesOf(p, texts, truth, now); a != nil && b != nil {
		c.MisreadBefore += a.Misread
		c.MisreadAfter += b.Misread
	}
	lines := truthLines(texts, truth)
	var all strings.Builder
	for _, l := range lines {
		for _, f := range l.forms {
			first, _ := utf8.DecodeRuneInString(f) // one character each, so that places stay the same
			all.WriteRune(first)
		}
		all.WriteByte('\n')
	}
	fields := fieldsOf(all.String())
	for i, l := range before.Lines {
		on, aligned := alignLine(l, lines)
		var forms []string
		if on >= 0 {
			forms = lines[on].forms
		}
		for k, char := range l.Chars {
			if on >= 0 && aligned[k] >= 0 && accuracy.Normalize(char.Char) == forms[aligned[k]] {
				c.RightBefore++
			}
		}
		for _, change := range p.Lines[i].Changes {
			if !p.Lines[i].holds(change) {
				continue
			}
			c.Changes++
			if on < 0 || aligned[change.Symbol] < 0 {
				c.Other++
				continue
			}
			at := aligned[change.Symbol]
			place := Place{file, strings.Join(forms, ""), change.Was, p.Lines[i].Chars[change.Symbol].Char}
			switch forms[at] {
			case accuracy.Normalize(place.Now):
				c.Mended++
			case accuracy.Normalize(place.Was):
				c.Damaged++
				c.DamagedPlaces = append(c.DamagedPlaces, place)
			default:
				c.Other++
			}
			if fields[on][at] {
				c.Protected++
				c.ProtectedPlace = append(c.ProtectedPlace, place)
			}
		}
	}
}

// finish works out the shares; nil where no page was changed and none could be.
func (c *Corrections) finish() *Corrections {
	if c.Changes == 0 {
		return nil
	}
	share := func(a, b int) float64 {
		if b == 0 {
			return 0
		}
		return float64(a) / float64(b)
	}
	c.Cut = share(c.ErrorsBefore-c.ErrorsAfter, c.ErrorsBefore)
	c.MisreadCut = share(c.MisreadBefore-c.MisreadAfter, c.MisreadBefore)
	c.DamagedShare = share(c.Damaged, c.RightBefore)
	return c
}

// alignLine finds the line of the truth that a line was read from, as [judge] does, and for each character the index of the
// one that it stands for, right or wrong; -1 where it stands for none. The line is -1 when there is none near.
func alignLine(l LineOutput, truth []truthLine) (line int, aligned []int) {
	line = -1
	forms := make([]string, len(l.Chars))
	for i, c := range l.Chars {
		forms[i] = accuracy.Normalize(c.Char)
	}
	best := len(forms) + 1
	for i, t := range truth {
		if !near(l.Chars, t.boxes) {
			continue
		}
		if cost, all := fit(forms, t.forms); cost < best {
			best, line, aligned = cost, i, all
		}
	}
	return line, aligned
}

// What must not be touched, told from the truth alone. These are other rules than those by which correction protects.
var (
	numberLike = regexp.MustCompile(`[0-9〇零一二三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟萬億两]+[年月日号时分点条款项元角整万亿%]*`)
	caseNumber = regexp.MustCompile(`[(〔\[][12][0-9]{3}[)〕\]][^\n,。;]{1,20}?号`)
	namedAfter = regexp.MustCompile(`(?:原告|被告|上诉人|申请人|代表人|代理人|第三人|被告人|审判长|审判员|书记员|姓名|户名|收款人|付款人|借款人|出借人|甲方|乙方|签字|签名)(?:\([^)\n]{1,10}\))?:([^\n,。;:()]{2,12})`)
	someone    = regexp.MustCompile(`[^\n]?某[某甲乙丙丁0-9]?|[一-鿿][Xx×]{1,3}`)
	company    = regexp.MustCompile(`[^\n,。;:()、]{2,14}(?:有限公司|有限责任公司|事务所)`)
)

// fieldsOf marks the protected characters of normalised lines.
func fieldsOf(text string) [][]bool {
	marked := make([]bool, len(text)+1) // by byte
	mark := func(from, to int) {
		for i := from; i < to; i++ {
			marked[i] = true
		}
	}
	for _, re := range []*regexp.Regexp{numberLike, caseNumber, someone, company} {
		for _, m := range re.FindAllStringIndex(text, -1) {
			mark(m[0], m[1])
		}
	}
	for _, m := range namedAfter.FindAllStringSubmatchIndex(text, -1) {
		mark(m[2], m[3])
	}
	var out [][]bool
	var line []bool
	for i, r := range text {
		if r == '\n' {
			out, line = append(out, line), nil
			continue
		}
		line = append(line, marked[i])
	}
	return out
}
