package idcard

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Number is a checked identity number.
type Number struct {
	Text  string    // 17 digits and a digit or X
	Birth time.Time // midnight UTC of the day
}

// The ways in which a number can be wrong; each error of ParseNumber is one of them, with the details.
var (
	ErrForm       = errors.New("not 17 digits and a check digit")
	ErrRegion     = errors.New("no province has this region code")
	ErrBirth      = errors.New("no date of birth")
	ErrCheckDigit = errors.New("the check digit is wrong")
)

// provinces are the first two digits of the regions of GB/T 2260; 81 to 83 are those of residence permits for people from
// Hong Kong, Macao and Taiwan, 91 of foreigners with permanent residence.
var provinces = map[string]bool{
	"11": true, "12": true, "13": true, "14": true, "15": true, "21": true, "22": true, "23": true,
	"31": true, "32": true, "33": true, "34": true, "35": true, "36": true, "37": true,
	"41": true, "42": true, "43": true, "44": true, "45": true, "46": true,
	"50": true, "51": true, "52": true, "53": true, "54": true,
	"61": true, "62": true, "63": true, "64": true, "65": true,
	"71": true, "81": true, "82": true, "83": true, "91": true,
}

// longestText bounds what is looked at: a number with blanks between its parts.
const longestText = 128

// Normalise writes a number as the card prints it: ASCII digits, a capital X, no blanks or hyphens. What is none of these
// is kept.
func Normalise(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= '０' && r <= '９':
			r += '0' - '０'
		case r == 'x' || r == 'Ｘ' || r == 'ｘ':
			r = 'X'
		case r == ' ' || r == '\t' || r == '-' || r == '\u3000' || r == '\u00a0':
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ParseNumber checks a number in any of the forms that Normalise knows, on the day today: its length, region, date of
// birth (from 1900 to today) and check digit.
func ParseNumber(text string, today time.Time) (Number, error) {
	if len(text) > longestText {
		return Number{}, fmt.Errorf("%w: %d bytes", ErrForm, len(text))
	}
	s := Normalise(text)
	if len(s) == 15 && digits(s) {
		return Number{}, fmt.Errorf("%w: a number of the first generation, which is no longer valid", ErrForm)
	}
	if len(s) != 18 || !digits(s[:17]) || !digits(s[17:]) && s[17] != 'X' {
		return Number{}, ErrForm
	}
	if !provinces[s[:2]] {
		return Number{}, fmt.Errorf("%w: %s", ErrRegion, s[:2])
	}
	birth, err := time.Parse("20060102", s[6:14])
	if err != nil || birth.Year() < 1900 || birth.After(today) {
		return Number{}, fmt.Errorf("%w: %s", ErrBirth, s[6:14])
	}
	if CheckDigit(s[:17]) != s[17] {
		return Number{}, ErrCheckDigit
	}
	return Number{Text: s, Birth: birth}, nil
}

// CheckDigit is the 18th character for 17 digits: weights 2^(17-i) modulo 11, the remainder to 1 (ISO 7064 MOD 11-2). It
// panics on another length.
func CheckDigit(first string) byte {
	if len(first) != 17 {
		panic(fmt.Sprintf("idcard: check digit of %d characters, want 17", len(first)))
	}
	sum := 0
	for i := range 17 {
		sum = (sum + int(first[i]-'0')) * 2 % 11
	}
	return "10X98765432"[sum]
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
