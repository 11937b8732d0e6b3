package hotword

import (
	"slices"
	"strings"
)

// maxWays bounds the ways to say a phrase with several numbers in it.
const maxWays = 8

// spoken returns the ways to say a phrase: digits one by one, with 1 also as 幺, and as a number with 2 also as 两. A phrase
// without digits has the one way.
func spoken(text string) [][]rune {
	ways := [][]rune{nil}
	for len(text) > 0 {
		i := strings.IndexAny(text, "0123456789%.")
		if i < 0 {
			i = len(text)
		}
		for w := range ways {
			ways[w] = append(ways[w], []rune(text[:i])...)
		}
		if text = text[i:]; text == "" {
			break
		}
		n := 0
		for n < len(text) && (digit(text[n]) || text[n] == '.' && n > 0 && n+1 < len(text) && digit(text[n+1]) && !strings.Contains(text[:n], ".")) {
			n++
		}
		if n == 0 { // a lone mark
			text = text[1:]
			continue
		}
		number := text[:n]
		text = text[n:]
		readings := sayings(number)
		if strings.HasPrefix(text, "%") {
			text = text[1:]
			for r := range readings {
				readings[r] = "百分之" + readings[r]
			}
		}
		var more [][]rune
		for _, r := range readings {
			for _, w := range ways {
				if len(more) < maxWays {
					more = append(more, append(slices.Clip(slices.Clone(w)), []rune(r)...))
				}
			}
		}
		ways = more
	}
	return ways
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

var digits = []rune("零一二三四五六七八九")

// sayings are the ways to say a number, the commonest first. It may hold one point.
func sayings(number string) []string {
	whole, fraction, point := strings.Cut(number, ".")
	behind := ""
	if point {
		behind = "点" + oneByOne(fraction)
	}
	single := oneByOne(whole)
	year := len(whole) == 4 && (whole[:2] == "19" || whole[:2] == "20") && !point
	if len(whole) > 1 && whole[0] == '0' || len(whole) > 12 || year {
		return distinct(single+behind, strings.ReplaceAll(single, "一", "幺")+behind)
	}
	counted := asNumber(whole)
	two := counted
	if rest, ok := strings.CutPrefix(counted, "二"); ok && rest != "" && !strings.HasPrefix(rest, "十") {
		two = "两" + rest
	}
	all := []string{counted + behind}
	if len(whole) > 1 && !point {
		all = append(all, single)
		if len(whole) > 2 {
			all = append(all, strings.ReplaceAll(single, "一", "幺"))
		}
	}
	return distinct(append(all, two+behind)...)
}

func distinct(all ...string) []string {
	var kept []string
	for _, s := range all {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

func oneByOne(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteRune(digits[c-'0'])
	}
	return b.String()
}

// asNumber says up to 12 digits as a number: 10001 is 一万零一.
func asNumber(s string) string {
	if s == "0" {
		return "零"
	}
	var b strings.Builder
	zero := false // a zero is owed before the next digit
	for i := range len(s) {
		place := len(s) - 1 - i
		if s[i] == '0' {
			zero = true
		} else {
			if zero && b.Len() > 0 {
				b.WriteRune('零')
			}
			zero = false
			// 12 is 十二, though 112 is 一百一十二.
			if s[i] != '1' || place%4 != 1 || b.Len() > 0 {
				b.WriteRune(digits[s[i]-'0'])
			}
			b.WriteString([]string{"", "十", "百", "千"}[place%4])
		}
		if place%4 == 0 && place > 0 && strings.Trim(s[max(0, i-3):i+1], "0") != "" {
			b.WriteString([]string{"", "万", "亿"}[place/4])
			zero = false
		}
	}
	return b.String()
}
