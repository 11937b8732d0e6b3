package syllable

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"
)

//go:embed characters.txt
var characters string

// Where characters with readings begin, and the end of those that are looked up by their number: nearly all.
const (
	firstRune = 0x3400
	denseEnd  = 0xA000
)

type tables struct {
	spellings  []string            // by number of the sounds
	bases      map[string]Syllable // the toneless syllable of each spelling
	dense      [denseEnd - firstRune][]Syllable
	sparse     map[rune][]Syllable
	homophones [][]rune // by syllable
	frequency  map[rune]float32
}

var table = sync.OnceValue(newTables)

func (t *tables) readings(r rune) []Syllable {
	if r >= firstRune && r < denseEnd {
		return t.dense[r-firstRune]
	}
	return t.sparse[r]
}

// share is how much of a character's use its first, second and further readings have, as a guess: the order of the readings
// is known, their frequencies are not.
var share = []float32{1, 0.15, 0.02}

// hummed are syllables without a vowel, as some interjections have; speech models write them with one.
var hummed = map[string]string{"n": "en", "ng": "en", "m": "mu", "hm": "heng", "hng": "heng", "ê": "ei"}

func newTables() *tables {
	t := &tables{bases: map[string]Syllable{}, sparse: map[rune][]Syllable{}, frequency: map[rune]float32{}}
	spelt := map[string]bool{}
	for _, all := range pinyin.PinyinDict {
		for reading := range strings.SplitSeq(all, ",") {
			s, _ := split(reading)
			spelt[s] = true
		}
	}
	for s := range spelt {
		t.spellings = append(t.spellings, s)
	}
	slices.Sort(t.spellings)
	for i, s := range t.spellings {
		t.bases[s] = Syllable(1 + i*tones)
	}
	// lve and nve are written lue and nue as often as not, and v is how ü is typed.
	t.bases["lue"], t.bases["nue"] = t.bases["lve"], t.bases["nve"]

	storage := make([]Syllable, 0, 2*len(pinyin.PinyinDict))
	for r, all := range pinyin.PinyinDict {
		start := len(storage)
		for reading := range strings.SplitSeq(all, ",") {
			s, tone := split(reading)
			if tone == ToneUnknown {
				tone = ToneNeutral
			}
			if syllable := t.bases[s] + Syllable(tone); !slices.Contains(storage[start:], syllable) {
				storage = append(storage, syllable)
			}
		}
		own := storage[start:len(storage):len(storage)]
		if r >= firstRune && r < denseEnd {
			t.dense[r-firstRune] = own
		} else {
			t.sparse[rune(r)] = own
		}
	}
	t.readCharacters()
	return t
}

// readCharacters reads the frequencies and orders the homophones by them.
func (t *tables) readCharacters() {
	weight := map[Syllable]map[rune]float32{}
	add := func(s Syllable, r rune, w float32) {
		if weight[s] == nil {
			weight[s] = map[rune]float32{}
		}
		weight[s][r] += w
	}
	for line := range strings.Lines(characters) {
		field, number, _ := strings.Cut(strings.TrimSpace(line), "\t")
		r := []rune(field)[0]
		f, err := strconv.ParseFloat(number, 32)
		if err != nil {
			panic(fmt.Sprintf("characters.txt: %q: %v", line, err)) // the file is part of the program
		}
		if f > 0 {
			t.frequency[r] = float32(f)
		}
		for i, s := range t.readings(r) {
			// The smallest of weights orders those that no text has by their readings.
			w := (float32(f) + 0.001) * share[min(i, len(share)-1)]
			add(s, r, w)
			add(s.Toneless(), r, w)
		}
	}
	t.homophones = make([][]rune, len(t.spellings)*tones+1)
	for s, of := range weight {
		all := make([]rune, 0, len(of))
		for r := range of {
			all = append(all, r)
		}
		slices.SortFunc(all, func(a, b rune) int {
			if of[a] != of[b] {
				if of[a] > of[b] {
					return -1
				}
				return 1
			}
			return int(a - b)
		})
		t.homophones[s] = all
	}
}

// Combining marks of the tones, and of ü.
var marks = map[rune]int{'\u0304': 1, '\u0301': 2, '\u030c': 3, '\u0300': 4}

const (
	diaeresis  = '\u0308'
	circumflex = '\u0302'
)

// split takes pinyin with a tone mark apart; ü becomes v, and the tone is unknown where there is no mark.
func split(reading string) (string, int) {
	var b strings.Builder
	tone := ToneUnknown
	for _, r := range norm.NFD.String(reading) {
		switch t, marked := marks[r]; {
		case marked:
			tone = t
		case r == diaeresis:
			s := strings.TrimSuffix(b.String(), "u")
			b.Reset()
			b.WriteString(s)
			b.WriteByte('v')
		case r == circumflex:
			s := strings.TrimSuffix(b.String(), "e")
			b.Reset()
			b.WriteString(s)
			b.WriteString("ê")
		default:
			b.WriteRune(r)
		}
	}
	s := b.String()
	if voiced, ok := hummed[s]; ok {
		s = voiced
	}
	return s, tone
}
