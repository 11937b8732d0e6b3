package spoken

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const number = `(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?`

// expressions are the forms in which figures are written; the first that fits at a place is taken.
var expressions = regexp.MustCompile(strings.Join([]string{
	`(?P<date>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})\b`,
	`(?P<year>\d{4})(?:-(?P<toyear>\d{4}))?年`,
	`(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\b`,
	`(?P<per>` + number + `)(?P<percent>[%‰])`,
	`(?P<numerator>\d{1,2})/(?P<denominator>\d{1,3})\b`,
	`(?P<currency>[¥$])\s*(?P<price>` + number + `)`,
	`(?P<from>` + number + `)\s*[-~—–]+\s*(?P<to>` + number + `)`,
	`(?P<number>` + number + `)`,
}, "|"))

var groups = func() map[string]int {
	m := map[string]int{}
	for i, name := range expressions.SubexpNames() {
		m[name] = i
	}
	return m
}()

func readNumbers(text string) string {
	var b strings.Builder
	last := 0
	for _, at := range expressions.FindAllStringSubmatchIndex(text, -1) {
		group := func(name string) string {
			i := 2 * groups[name]
			if at[i] < 0 {
				return ""
			}
			return text[at[i]:at[i+1]]
		}
		b.WriteString(text[last:at[0]])
		before, after := text[:at[0]], text[at[1]:]
		last = at[1]
		switch {
		case group("date") != "" && between(group("month"), 1, 12) && between(group("day"), 1, 31):
			b.WriteString(Digits(group("date")) + "年" + Cardinal(group("month")) + "月" + Cardinal(group("day")) + "日")
		case group("year") != "":
			b.WriteString(Digits(group("year")))
			if to := group("toyear"); to != "" {
				b.WriteString("到" + Digits(to))
			}
			b.WriteString("年")
		case group("hour") != "" && between(group("hour"), 0, 24) && between(group("minute"), 0, 59):
			b.WriteString(clock(group("hour"), group("minute"), group("second")))
		case group("percent") != "":
			b.WriteString(map[string]string{"%": "百分之", "‰": "千分之"}[group("percent")] + amount(group("per")))
		case group("denominator") != "" && between(group("numerator"), 1, 99) && between(group("denominator"), 2, 999):
			b.WriteString(Cardinal(group("denominator")) + "分之" + Cardinal(group("numerator")))
		case group("currency") != "":
			b.WriteString(amount(group("price")))
			// 12万 and 12元 say the unit themselves.
			if first, _ := utf8.DecodeRuneInString(after); !strings.ContainsRune("元万亿千百角美", first) {
				b.WriteString(map[string]string{"¥": "元", "$": "美元"}[group("currency")])
			}
		case group("to") != "" && len(group("from")) < 8 && len(group("to")) < 8:
			b.WriteString(plain(group("from"), before, "") + "到" + plain(group("to"), "", after))
		case group("number") != "":
			b.WriteString(plain(group("number"), before, after))
		default:
			b.WriteString(loose(text[at[0]:at[1]]))
		}
	}
	b.WriteString(text[last:])
	return b.String()
}

// loose reads figures one by one and keeps what stands between them.
func loose(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return digits[r-'0']
		}
		return r
	}, text)
}

var digits = []rune("零一二三四五六七八九")

// Digits reads figures one by one: 2019 is 二零一九.
func Digits(number string) string {
	var b strings.Builder
	for i := range len(number) {
		if c := number[i]; c >= '0' && c <= '9' {
			b.WriteRune(digits[c-'0'])
		}
	}
	return b.String()
}

// maxCardinal is the longest number that is read as an amount: up to 千亿.
const maxCardinal = 12

// Cardinal reads a whole number as an amount: 10100 is 一万零一百. One with more than 12 figures is read figure by figure.
func Cardinal(number string) string {
	number = strings.TrimLeft(number, "0")
	if number == "" {
		return "零"
	}
	if len(number) > maxCardinal {
		return Digits(number)
	}
	var b strings.Builder
	units := []string{"", "万", "亿"}
	zero := false // whether a 零 is due before what comes next
	for part := (len(number) - 1) / 4; part >= 0; part-- {
		end := len(number) - 4*part
		four := number[max(0, end-4):end]
		spelt := false
		for i := range len(four) {
			d, place := four[i]-'0', len(four)-1-i
			if d == 0 {
				zero = b.Len() > 0
				continue
			}
			if zero {
				b.WriteString("零")
				zero = false
			}
			switch {
			case d == 1 && place == 1 && b.Len() == 0: // 十二, but 一百一十二
			case d == 2 && (place == 3 || place == 0 && part > 0 && strings.TrimLeft(four, "0") == "2"): // 两千, 两万
				b.WriteString("两")
			default:
				b.WriteRune(digits[d])
			}
			b.WriteString([]string{"", "十", "百", "千"}[place])
			spelt = true
		}
		if spelt {
			zero = false // noughts at the end of 万 are not said
			b.WriteString(units[part])
		}
	}
	return b.String()
}

// amount reads a number that may have thousands' commas and decimals.
func amount(number string) string {
	whole, decimals, _ := strings.Cut(strings.ReplaceAll(number, ",", ""), ".")
	if decimals == "" {
		return Cardinal(whole)
	}
	return Cardinal(whole) + "点" + Digits(decimals)
}

// counted are words before which 2 is 两.
const counted = "个人名次年天位份张辆部台件套户家间只把块元万亿千米公斤克吨倍种处岁周批轮层瓶盒包枚支笔小方场座头箱袋片根颗栋套本局"

// longest is how many figures a number without a unit may have and still be read as an amount.
const longest = 8

// plain reads a number by what stands around it.
func plain(number, before, after string) string {
	whole := strings.ReplaceAll(number, ",", "")
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	figures, _, decimals := strings.Cut(whole, ".")
	latin := isLatin(last) || isLatin(first)
	switch {
	case decimals && strings.HasPrefix(after, "."): // 1.2.3
		return loose(number)
	case decimals:
		return amount(whole)
	case len(whole) > 1 && whole[0] == '0', len(figures) > longest && !strings.ContainsRune("元万亿股", first), latin && len(figures) > 2:
		return Digits(whole)
	case len(figures) == 4 && (last == '(' || last == '〔' || last == '[') && (first == ')' || first == '〕' || first == ']'): // (2019)京01民初1号
		return Digits(whole)
	case len(figures) > 4 && first == '号':
		return Digits(whole)
	case whole == "2" && last != '第' && strings.ContainsRune(counted, first):
		return "两"
	}
	return Cardinal(whole)
}

func isLatin(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func clock(hour, minute, second string) string {
	out := Cardinal(hour) + "点"
	if minute == "00" && second == "" {
		return out
	}
	part := func(s string) string {
		if s[0] == '0' && s != "00" {
			return "零" + Cardinal(s)
		}
		return Cardinal(s)
	}
	out += part(minute) + "分"
	if second != "" {
		out += part(second) + "秒"
	}
	return out
}

// between tells whether a number of at most 4 figures lies within bounds.
func between(number string, low, high int) bool {
	n := 0
	for i := range len(number) {
		n = 10*n + int(number[i]-'0')
	}
	return len(number) <= 4 && n >= low && n <= high
}
