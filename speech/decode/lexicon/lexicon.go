package lexicon

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/courtsense/courtsense/speech/syllable"
)

// Token is one row of an acoustic model's token table.
type Token struct {
	// Text is what the token writes: characters, or some of the UTF-8 bytes of one. Empty for tokens that are never written, such
	// as blank, unknown and the ends of a sentence.
	Text string
	// WordStart says that a word begins here, so that a blank parts it from Latin letters before.
	WordStart bool
}

// Unit is something that the search writes, by its number: that of the token, or, for Han characters beyond the tokens, their
// code point above the number of tokens.
type Unit int32

// Reading is one way to read a unit.
type Reading struct {
	// Syllable has its tone.
	Syllable syllable.Syllable
	// Share is how usual the reading is for the character, 0 to 1; the first is 1. Readings are known by their order only, so
	// that the share is a guess.
	Share float32
}

// Homophone is a unit that may be written where a syllable is heard.
type Homophone struct {
	Unit Unit
	// Syllable is how it is read here, with the tone.
	Syllable syllable.Syllable
}

// Options are how a lexicon is made. The zero value has the defaults.
type Options struct {
	// Homophones is the most characters that are considered for a toneless syllable, the tokens among them. Default: 48.
	Homophones int
}

const defaultHomophones = 48

// shares of the first, second and third reading of a character; more are not heard.
var shares = [...]float32{1, 0.3, 0.05}

// Lexicon is immutable.
type Lexicon struct {
	blank   int
	units   []unit        // the tokens
	of      map[rune]Unit // units that write this one Han character
	groups  [][]Homophone // by toneless syllable
	unitOf  []Unit        // by token
	letters map[rune]bool // that tokens write, beside Han characters, folded
	bytes   bool
}

type unit struct {
	runes     []rune // complete characters
	text      string
	wordStart bool
	readings  Readings
}

// Readings are the ways to read a character, the commonest first; those with no share are none.
type Readings [3]Reading

// New makes a lexicon of a token table, in the order of the model's classes. blank is the class that writes nothing.
func New(tokens []Token, blank int, o Options) (*Lexicon, error) {
	if blank < 0 || blank >= len(tokens) {
		return nil, fmt.Errorf("lexicon: blank is token %d of %d", blank, len(tokens))
	}
	if o.Homophones <= 0 {
		o.Homophones = defaultHomophones
	}
	l := &Lexicon{
		blank: blank, of: map[rune]Unit{}, letters: map[rune]bool{},
		units: make([]unit, 0, len(tokens)), unitOf: make([]Unit, len(tokens)),
	}
	written := 0
	for i, t := range tokens {
		u := unit{text: t.Text, wordStart: t.WordStart}
		if i == blank {
			u.text = ""
		}
		if utf8.ValidString(u.text) {
			u.text = norm.NFC.String(u.text)
			u.runes = []rune(u.text)
		} else {
			l.bytes = true
		}
		if u.text != "" {
			written++
		}
		l.unitOf[i] = Unit(i)
		for _, r := range u.runes {
			l.letters[Fold(r)] = true
		}
		if r, ok := han(u.runes); ok {
			if first, seen := l.of[r]; seen {
				l.unitOf[i] = first
			} else {
				l.of[r] = Unit(i)
				u.readings = readings(r)
			}
		}
		l.units = append(l.units, u)
	}
	if written == 0 {
		return nil, fmt.Errorf("lexicon: none of the %d tokens writes anything", len(tokens))
	}
	l.addHomophones(o.Homophones)
	return l, nil
}

func han(runes []rune) (rune, bool) {
	if len(runes) != 1 || !unicode.Is(unicode.Han, runes[0]) {
		return 0, false
	}
	return runes[0], true
}

func readings(r rune) (all Readings) {
	for i, s := range syllable.Of(r) {
		if i == len(all) {
			break
		}
		all[i] = Reading{s, shares[i]}
	}
	return all
}

// addHomophones groups characters by their sounds, the commonest first: the tokens and those that are read like a token.
func (l *Lexicon) addHomophones(most int) {
	l.groups = make([][]Homophone, syllable.Limit())
	for i := range l.units {
		for _, r := range l.units[i].readings {
			if r.Share > 0 {
				l.group(Unit(i), r.Syllable)
			}
		}
	}
	for s := syllable.Syllable(1); int(s) < syllable.Limit(); s++ {
		if s != s.Toneless() || len(l.groups[s]) == 0 {
			continue
		}
		for _, r := range syllable.Homophones(s) {
			if len(l.groups[s]) >= most {
				break
			}
			if _, token := l.of[r]; token {
				continue
			}
			for _, reading := range readings(r) {
				if reading.Share > 0 && reading.Syllable.Toneless() == s {
					l.group(Unit(len(l.units))+Unit(r), reading.Syllable)
				}
			}
		}
		slices.SortStableFunc(l.groups[s], func(a, b Homophone) int {
			fa, fb := syllable.Frequency(l.rune(a.Unit)), syllable.Frequency(l.rune(b.Unit))
			switch {
			case fa > fb:
				return -1
			case fa < fb:
				return 1
			}
			return int(a.Unit - b.Unit)
		})
	}
}

func (l *Lexicon) group(u Unit, s syllable.Syllable) {
	l.groups[s.Toneless()] = append(l.groups[s.Toneless()], Homophone{u, s})
}

// rune is the Han character that the unit writes.
func (l *Lexicon) rune(u Unit) rune {
	if int(u) < len(l.units) {
		return l.units[u].runes[0]
	}
	return rune(int(u) - len(l.units))
}

// Tokens is the number of the acoustic model's classes.
func (l *Lexicon) Tokens() int { return len(l.units) }

// Blank is the class that writes nothing.
func (l *Lexicon) Blank() int { return l.blank }

// UnitOf is the unit that a token writes: of several tokens that write the same Han character, the first.
func (l *Lexicon) UnitOf(token int) Unit { return l.unitOf[token] }

// Text is what a unit writes, "" when nothing; with byte tokens, it may be a part of a character.
func (l *Lexicon) Text(u Unit) string {
	if int(u) < len(l.units) {
		return l.units[u].text
	}
	return string(l.rune(u))
}

// Han is the one Han character that the unit writes, or 0 where it writes anything else.
func (l *Lexicon) Han(u Unit) rune {
	if int(u) >= len(l.units) {
		return l.rune(u)
	}
	r, _ := han(l.units[u].runes)
	return r
}

// Runes are the characters of a token, nil when it writes part of one or nothing. The slice is shared.
func (l *Lexicon) Runes(token int) []rune { return l.units[token].runes }

// WordStart says that a blank parts the unit from Latin letters before it.
func (l *Lexicon) WordStart(u Unit) bool { return int(u) < len(l.units) && l.units[u].wordStart }

// Readings are how the unit is read; none unless it is one Han character.
func (l *Lexicon) Readings(u Unit) Readings {
	if int(u) < len(l.units) {
		return l.units[u].readings
	}
	return readings(l.rune(u))
}

// Character finds the unit that writes a Han character, among the tokens or beyond them; see [Lexicon.Sounds] for whether the
// search ever gets there.
func (l *Lexicon) Character(r rune) Unit {
	if u, ok := l.of[r]; ok {
		return u
	}
	return Unit(len(l.units)) + Unit(r)
}

// Homophones are the units that are read with these sounds, whatever the tone, the commonest first. The slice is shared.
func (l *Lexicon) Homophones(toneless syllable.Syllable) []Homophone {
	if int(toneless) >= len(l.groups) {
		return nil
	}
	return l.groups[toneless]
}

// Sounds says that the search can hear the character: it is a token, or read like one, or, where tokens are bytes, anything.
func (l *Lexicon) Sounds(r rune) bool {
	if l.bytes {
		return true
	}
	if _, ok := l.of[r]; ok {
		return true
	}
	if unicode.Is(unicode.Han, r) {
		for _, reading := range readings(r) {
			if reading.Share > 0 && len(l.groups[reading.Syllable.Toneless()]) > 0 {
				return true
			}
		}
		return false
	}
	return l.letters[Fold(r)]
}

// Fold is the character without upper and lower case.
func Fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	return unicode.ToLower(r)
}

// Letter says that the character is written together with its neighbours: a letter or digit that is not Han.
func Letter(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '\''
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.Is(unicode.Han, r)
}
