package correct

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// field is what a protected piece of text is.
type field int

const (
	fieldNone       field = iota
	fieldNumber           // digits, quantities, numbers of articles, identity, phone and bank numbers
	fieldAmount           // money, in digits or in words
	fieldDate             // dates and times
	fieldCaseNumber       // such as （2019）京0491民初1号
	fieldLatin            // letters, addresses of mail and web
	fieldName             // of a person
	fieldCompany          // of a company or office
)

// String names the field as the tests' scripts do.
func (f field) String() string {
	return [...]string{"none", "number", "amount", "date", "case number", "latin", "name", "company"}[f]
}

// span is a protected piece of text: characters from..to-1.
type span struct {
	field    field
	from, to int
}

// Numerals in words. None of them is ever changed, nor anything to one: 一 for 二 is another sum, another article, another day.
const (
	formalNumerals = "壹贰貳弍弐叁叄肆伍陆陸柒捌玖拾佰仟萬億"
	plainNumerals  = "〇○零一二三四五六七八九十百千万亿两廿卅"
)

const (
	han    = `[` + plainNumerals + formalNumerals + `]`
	digits = `[0-9０-９]`
	number = `(?:` + digits + `(?:[0-9０-９.,．，:：*×Xx/\-—]*` + digits + `)?[Xx]?|` + han + `+)`
)

// patterns of the fields that are numbers, the more special ones first. They are generous: what stands between a bracketed
// year and 号 belongs to a case number whatever was read there.
var patterns = []struct {
	field field
	re    *regexp.Regexp
}{
	{fieldCaseNumber, regexp.MustCompile(`[（(〔\[【][12][0-9０-９]{3}[）)〕\]】][^，。；！？]{1,24}?号(?:之` + han + `)?`)},
	{fieldCaseNumber, regexp.MustCompile(`[^，。；：！？]{0,8}字第?` + digits + `+号`)},
	{fieldDate, regexp.MustCompile(number + `年(?:` + number + `月(?:` + number + `[日号])?)?(?:` + number + `[时点]许?(?:` + number + `分许?)?)?`)},
	{fieldDate, regexp.MustCompile(number + `月(?:` + number + `[日号])?`)},
	{fieldDate, regexp.MustCompile(number + `[时点日号](?:许|` + number + `分许?)?`)},
	{fieldAmount, regexp.MustCompile(`(?:人民币|￥|¥|\$|[本利]金|[利罚]息|共计|合计|计|款)?(?:` + number + `)(?:余|多)?(?:[万亿]?[元圆角块](?:` + han + `|[元圆角分整正零])*|[美日欧港]元)`)},
	{fieldAmount, regexp.MustCompile(`(?:人民币)?[` + plainNumerals + `]*[` + formalNumerals + `](?:` + han + `|[元圆角分整正零])*`)},
	{fieldAmount, regexp.MustCompile(`[￥¥$]` + number)},
	{fieldNumber, regexp.MustCompile(`[京津沪渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤琼川贵云陕甘青蒙桂藏宁新][A-Z]·?[A-Z0-9]{5,6}`)},
	{fieldNumber, regexp.MustCompile(`第` + number + `[条款项章节编期次批号页份审顺]?(?:之` + han + `)?`)},
	{fieldNumber, regexp.MustCompile(`[0-9A-Za-z０-９][0-9A-Za-z０-９.,:/_@*·\-]*[%％‰℃]?`)},
	{fieldNumber, regexp.MustCompile(han + `+(?:[个名人份次条款项倍岁天周期股亩层室栋幢楼座户支件起台辆套张页米克吨]|平方米|公里|公斤|千克|分之)`)},
	{fieldNumber, regexp.MustCompile(han + `{2,}`)},
}

// unitsOfNumbers are further characters that a number begins or ends with.
const unitsOfNumbers = "时分秒角圆整块条款项点个次倍%％‰℃￥¥$×"

// numbers returns the fields that are numbers or Latin letters. A number's neighbours belong to it where maybe says that a digit
// that was misread may stand there.
func numbers(text string, maybe func(i int) bool) []span {
	index := runeIndex(text)
	last := len(index) - 1
	var out []span
	for _, p := range patterns {
		for _, m := range p.re.FindAllStringIndex(text, -1) {
			s := span{p.field, index[m[0]], index[m[1]]}
			if p.field == fieldNumber && !hasDigit(text[m[0]:m[1]]) && isLatin(text[m[0]:m[1]]) {
				s.field = fieldLatin
			}
			out = append(out, s)
		}
	}
	for i := range out {
		if out[i].field == fieldLatin {
			continue
		}
		if from := out[i].from - 1; from >= 0 && maybe(from) {
			out[i].from = from
		}
		if to := out[i].to; to < last && maybe(to) {
			out[i].to = to + 1
		}
	}
	return out
}

// runeIndex returns for each byte offset of a text the number of characters before it, and one more for its end.
func runeIndex(text string) map[int]int {
	index := make(map[int]int, len(text)/2)
	n := 0
	for i := range text {
		index[i] = n
		n++
	}
	index[len(text)] = n
	return index
}

func hasDigit(s string) bool {
	for _, r := range s {
		if r >= '0' && r <= '9' || r >= '０' && r <= '９' {
			return true
		}
	}
	return false
}

func isLatin(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r < utf8.RuneSelf
}

// Protected returns for each character of a text, blanks too, whether correction must leave it alone: it belongs to a number,
// an amount, a date or a case number, or, unless names are asked for, to the name of a person or company.
func Protected(text string, names bool) []bool {
	all := []rune(text)
	var kept []rune
	for _, r := range all {
		if !unicode.IsSpace(r) {
			kept = append(kept, r)
		}
	}
	marked := make([]bool, len(kept))
	mark(marked, numbers(string(kept), func(int) bool { return true }))
	if !names {
		sure := func(int) bool { return false }
		found, persons := findNames(kept, func(i int, set string) bool { return strings.ContainsRune(set, kept[i]) }, sure)
		mark(marked, found)
		mark(marked, again(kept, persons, sure))
	}
	out, k := make([]bool, len(all)), 0
	for i, r := range all {
		if !unicode.IsSpace(r) {
			out[i] = marked[k]
			k++
		}
	}
	return out
}
