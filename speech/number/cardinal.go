package number

import (
	"strconv"
	"strings"
)

// Digits that are spoken one by one; 幺 is one in telephone and room numbers.
var digitValues = map[rune]int64{
	'零': 0, '〇': 0, '一': 1, '幺': 1, '二': 2, '两': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9,
}

var unitValues = map[rune]int64{'十': 10, '百': 100, '千': 1000}

// maxCardinal is the first number that is not read: ten thousand times 亿.
const maxCardinal = 1_0000_0000_0000

// Parse reads a cardinal number in Chinese characters, such as 一百二十, 三万五千 or, as one says for short, 三万五 (35000). Digits in a row
// (二零一九), estimates (三四十) and numbers of a trillion (10^12) and more are none.
func Parse(s string) (int64, bool) {
	runes := []rune(s)
	if len(runes) == 0 {
		return 0, false
	}
	if len(runes) == 1 && digitValues[runes[0]] == 0 && runes[0] != '十' {
		return 0, runes[0] == '零' || runes[0] == '〇'
	}
	var total, section int64
	var ok bool
	for _, big := range []struct {
		unit  rune
		value int64
	}{{'亿', 1_0000_0000}, {'万', 1_0000}} {
		at := indexRune(runes, big.unit)
		if at < 0 {
			continue
		}
		if section, ok = group(runes[:at], total > 0); !ok || section == 0 {
			return 0, false
		}
		total += section * big.value
		runes = runes[at+1:]
		// 三万五 is thirty-five thousand.
		if len(runes) == 1 && digitValues[runes[0]] > 0 && runes[0] != '幺' {
			return total + digitValues[runes[0]]*big.value/10, true
		}
	}
	if len(runes) > 0 {
		if section, ok = group(runes, total > 0); !ok {
			return 0, false
		}
		total += section
	}
	return total, total < maxCardinal
}

// group reads a number below ten thousand. A zero may stand at its head only behind a larger unit, as in 三万零五百.
func group(runes []rune, behind bool) (int64, bool) {
	total, unit, zero := int64(0), int64(10000), false
	for i := 0; i < len(runes); {
		r := runes[i]
		if r == '零' || r == '〇' {
			if zero || i+1 == len(runes) || i == 0 && !behind {
				return 0, false
			}
			zero = true
			i++
			continue
		}
		digit := digitValues[r]
		i++
		if r == '十' {
			// Without a digit before it ten is one ten: at the head, and in 一百十五.
			digit = 1
			i--
		}
		if digit == 0 || r == '幺' {
			return 0, false
		}
		if i < len(runes) && unitValues[runes[i]] > 0 {
			next := unitValues[runes[i]]
			if next >= unit || r == '两' && next == 10 {
				return 0, false
			}
			total, unit, zero = total+digit*next, next, false
			i++
			continue
		}
		if i != len(runes) || r == '两' && len(runes) > 1 {
			return 0, false
		}
		// 一百二 is a hundred and twenty, 一百零二 a hundred and two.
		if unit < 10000 && !zero {
			return total + digit*unit/10, true
		}
		return total + digit, true
	}
	return total, true
}

func indexRune(runes []rune, r rune) int {
	for i, x := range runes {
		if x == r {
			return i
		}
	}
	return -1
}

// digitsOf writes digits that are spoken one by one; other characters stay.
func digitsOf(s string) string {
	var b strings.Builder
	for _, r := range s {
		if v, ok := digitValues[r]; ok && r != '两' {
			b.WriteByte('0' + byte(v))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Chinese returns a number in characters as it is said and as laws count their articles: 577 is 五百七十七, 10 is 十, 10010 is 一万零一十.
// Below zero and from a trillion (10^12) on it returns digits.
func Chinese(n int64) string {
	if n < 0 || n >= maxCardinal {
		return strconv.FormatInt(n, 10)
	}
	if n == 0 {
		return "零"
	}
	digits := []rune("零一二三四五六七八九")
	var b strings.Builder
	for _, big := range []struct {
		value int64
		unit  string
	}{{1_0000_0000, "亿"}, {1_0000, "万"}, {1, ""}} {
		part, zero := n/big.value%10000, false
		if part == 0 {
			continue
		}
		for _, small := range []struct {
			value int64
			unit  string
		}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
			d := part / small.value % 10
			if d == 0 {
				zero = b.Len() > 0
				continue
			}
			if zero || small.value == 1000 && b.Len() > 0 && n/big.value/10000%10000 == 0 {
				b.WriteString("零")
				zero = false
			}
			if d != 1 || small.value != 10 || b.Len() > 0 {
				b.WriteRune(digits[d])
			}
			b.WriteString(small.unit)
		}
		b.WriteString(big.unit)
	}
	return b.String()
}
