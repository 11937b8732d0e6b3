package charlm

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Class is what a character is to the model.
type Class uint16

// Classes that stand for more than one character. Which digit or Latin letter stands somewhere is never the model's to
// say: a run of them is one class, and so it also reaches further.
const (
	Unknown Class = iota // a character without a class
	Break                // between paragraphs, and where a line cannot be joined to its neighbour
	Digits
	Letters
	marks
)

// Vocabulary gives characters their classes.
type Vocabulary struct {
	classes map[rune]Class
	chars   []rune // of class marks, marks+1, ...
}

func newVocabulary(chars string) (*Vocabulary, error) {
	v := &Vocabulary{classes: make(map[rune]Class, len(chars)/3), chars: make([]rune, 0, len(chars)/3)}
	for i, r := range chars {
		switch _, twice := v.classes[r]; {
		case r == utf8.RuneError:
			return nil, fmt.Errorf("characters: not UTF-8 at byte %d", i)
		case unicode.IsSpace(r) || unicode.IsControl(r) || digit(r) || letter(r):
			return nil, fmt.Errorf("characters: %q at byte %d cannot have a class of its own", r, i)
		case twice:
			return nil, fmt.Errorf("characters: %q stands there twice", r)
		case len(v.chars) >= maxClasses-int(marks):
			return nil, fmt.Errorf("characters: more than %d", maxClasses-int(marks))
		}
		v.classes[r] = marks + Class(len(v.chars))
		v.chars = append(v.chars, r)
	}
	return v, nil
}

// Len returns how many classes there are.
func (v *Vocabulary) Len() int { return int(marks) + len(v.chars) }

// Class returns the class of one character.
func (v *Vocabulary) Class(r rune) Class {
	if c, ok := v.classes[r]; ok {
		return c
	}
	switch {
	case digit(r):
		return Digits
	case letter(r):
		return Letters
	}
	return Unknown
}

// Known reports whether the model has learnt anything of the character.
func (v *Vocabulary) Known(r rune) bool { return v.Class(r) != Unknown }

// Append appends the classes of a text to out, runs of digits and of letters as one class and blanks as none, and, if at
// is not nil, to at for each character of the text the index in out that stands for it; for a blank the index that comes next.
func (v *Vocabulary) Append(out []Class, at []int, text []rune) ([]Class, []int) {
	for i, r := range text {
		if unicode.IsSpace(r) {
			if at != nil {
				at = append(at, len(out))
			}
			continue
		}
		c := v.Class(r)
		run := i > 0 && len(out) > 0 && out[len(out)-1] == c && (c == Letters || c == Digits) && v.Class(text[i-1]) == c
		// 3,500.00 is one number.
		inside := c != Digits && (r == '.' || r == ',') && i > 0 && i+1 < len(text) && digit(text[i-1]) && digit(text[i+1])
		after := c == Digits && i > 1 && (text[i-1] == '.' || text[i-1] == ',') && digit(text[i-2])
		if !run && !inside && !after {
			out = append(out, c)
		}
		if at != nil {
			at = append(at, len(out)-1)
		}
	}
	return out, at
}

func digit(r rune) bool { return r >= '0' && r <= '9' || r >= '０' && r <= '９' }

func letter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 'ａ' && r <= 'ｚ' || r >= 'Ａ' && r <= 'Ｚ'
}
