package number

import (
	"strconv"
	"strings"
)

// Amounts says how amounts and counts from ten thousand on are written.
type Amounts int

const (
	// Short writes 3.5万: the larger unit wherever two decimals hold the number whole, else digits.
	Short Amounts = iota
	// Grouped writes 35,000.
	Grouped
	// Plain writes 35000.
	Plain
)

// ParseAmounts reads "short", "grouped" or "plain".
func ParseAmounts(s string) (Amounts, bool) {
	switch s {
	case "short":
		return Short, true
	case "grouped":
		return Grouped, true
	case "plain":
		return Plain, true
	}
	return 0, false
}

// quantity is a number as it was said: 三点五万 is 3, "5" and 10000.
type quantity struct {
	whole    int64
	fraction string // digits behind the point
	scale    int64  // of a number with a fraction: 1, 10^4 or 10^8
}

// quantityOf reads a cardinal number with or without a fraction.
func quantityOf(s string) (quantity, bool) {
	whole, rest, point := strings.Cut(s, "点")
	n, ok := Parse(whole)
	if !ok {
		return quantity{}, false
	}
	q := quantity{whole: n, scale: 1}
	if point {
		for _, unit := range []struct {
			name  string
			value int64
		}{{"万", 1_0000}, {"亿", 1_0000_0000}} {
			if cut, ok := strings.CutSuffix(rest, unit.name); ok {
				rest, q.scale = cut, unit.value
				break
			}
		}
		q.fraction = digitsOf(rest)
	}
	return q, true
}

// small tells of a whole number below ten.
func (q quantity) small() bool { return q.fraction == "" && q.whole < 10 }

// text writes the number.
func (q quantity) text(a Amounts) string {
	if q.fraction == "" {
		return whole(q.whole, a)
	}
	if q.scale == 1 || a == Short {
		return whole(q.whole, a) + "." + q.fraction + map[int64]string{1: "", 1_0000: "万", 1_0000_0000: "亿"}[q.scale]
	}
	// 3.5万 in full: the fraction moves left as far as it has digits.
	digits, left := q.fraction, q.scale
	n := q.whole
	for left > 1 {
		n, left = n*10, left/10
		if digits != "" {
			n, digits = n+int64(digits[0]-'0'), digits[1:]
		}
	}
	if digits != "" {
		return whole(n, a) + "." + digits
	}
	return whole(n, a)
}

func whole(n int64, a Amounts) string {
	switch a {
	case Short:
		switch {
		case n >= 1_0000_0000 && n%100_0000 == 0:
			return hundredths(n/100_0000) + "亿"
		case n >= 1_0000 && n%100 == 0:
			return hundredths(n/100) + "万"
		}
	case Grouped:
		s := strconv.FormatInt(n, 10)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	}
	return strconv.FormatInt(n, 10)
}

// hundredths writes n/100 without zeros at its end.
func hundredths(n int64) string {
	s := strconv.FormatInt(n/100, 10)
	if n%100 == 0 {
		return s
	}
	return s + "." + strings.TrimRight(strconv.FormatInt(100+n%100, 10)[1:], "0")
}
