package spoken

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Marks in what [Form] returns.
const (
	Pause = '，'  // a comma, a bracket, a blank: speakers may pause there
	Stop  = '\n' // the end of a sentence or of a part that stands by itself
)

// symbols are said as words. They are replaced before compatibility forms are folded, which would make m2 of ㎡.
var symbols = strings.NewReplacer(
	"㎡", "平方米", "m²", "平方米", "m2", "平方米", "㎥", "立方米", "m³", "立方米", "℃", "摄氏度", "°C", "摄氏度", "㎏", "公斤", "㎞", "公里", "㎝", "厘米", "㎜", "毫米", "㎎", "毫克",
	"〇", "零", "○", "零", "№", "第", "＄", "$", "￥", "¥", "％", "%",
)

// Form returns what is said of a text: Chinese characters, and Latin letters in lower case, with [Pause] and [Stop] between
// them, never two beside each other and none at the ends. Numbers are read as their context asks: years and long numbers digit
// by digit, amounts as amounts.
func Form(text string) string {
	text = norm.NFKC.String(symbols.Replace(text))
	if strings.ContainsAny(text, "0123456789") {
		text = readNumbers(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	mark := rune(0)
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Han, r):
		case r >= 'a' && r <= 'z':
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case strings.ContainsRune("。!?;:…\n\r。！？；：", r):
			mark = Stop
			continue
		default:
			if mark == 0 {
				mark = Pause
			}
			continue
		}
		if mark != 0 && b.Len() > 0 {
			b.WriteRune(mark)
		}
		mark = 0
		b.WriteRune(r)
	}
	return b.String()
}

// Plain is what is said of a text without any marks.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == Pause || r == Stop {
			return -1
		}
		return r
	}, Form(text))
}
