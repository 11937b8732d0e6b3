package accuracy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/language/spoken"
	"github.com/courtsense/courtsense/speech/statute"
	"github.com/courtsense/courtsense/speech/syllable"
)

// Kind is how a provision is recited.
type Kind string

// Whole is a whole article; Sentence one sentence of it; Embedded a whole article in the middle of other words; Named an article behind its law
// and number; Fragment 6 to 24 characters from anywhere.
const (
	Whole    Kind = "whole"
	Sentence Kind = "sentence"
	Embedded Kind = "embedded"
	Named    Kind = "named"
	Fragment Kind = "fragment"
)

// Kinds are all kinds.
var Kinds = []Kind{Whole, Sentence, Embedded, Named, Fragment}

// What provisions are drawn: from shortest to longest Chinese characters.
const (
	shortest = 14
	longest  = 600
)

// Config says what is measured.
type Config struct {
	// Count is how many recitals of each kind.
	Count int
	// Homophones is the share of characters that become others that sound alike, Other that become any others; 0 to 1.
	Homophones, Other float64
	Seed              uint64
}

// Result counts the recitals of a kind.
type Result struct {
	Kind    Kind `json:"kind"`
	Recited int  `json:"recited"`
	// Right counts those whose first match is the provision, or another that has the same words; Twins are the latter.
	Right int `json:"right"`
	Twins int `json:"twins"`
	// Exact counts those whose text came back exactly, with all that stood around it.
	Exact int `json:"exact"`
	// Calibration counts, by tenths of the first match's confidence, how many were answered and how many of these were right.
	Calibration [10]Bin `json:"calibration"`
	// Failures are some that were not exact.
	Failures []Failure `json:"failures,omitempty"`
}

// Bin is a tenth of the confidences.
type Bin struct {
	Answered int `json:"answered"`
	Right    int `json:"right"`
}

// Failure is a recital that did not come back.
type Failure struct {
	Spoken, Want, Got, Law, Article string
}

// Recitals draws provisions, recites each with errors and looks it up.
func Recitals(ctx context.Context, x *statute.Index, c Config) ([]Result, error) {
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	wanted := map[int]bool{}
	if x.Articles() == 0 {
		return nil, fmt.Errorf("the index is empty")
	}
	for range 2 * c.Count {
		wanted[rng.IntN(x.Articles())] = true
	}
	var drawn []statute.Provision
	i := 0
	if err := x.Each(func(p statute.Provision) bool {
		if n := han(p.Text); wanted[i] && n >= shortest && n <= longest && plain(p.Text) {
			drawn = append(drawn, p)
		}
		i++
		return true
	}); err != nil {
		return nil, err
	}
	rng.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	var results []Result
	for _, kind := range Kinds {
		r := Result{Kind: kind}
		for _, p := range drawn[:min(len(drawn), c.Count)] {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := recite(&r, x, p, c, rng); err != nil {
				return nil, err
			}
		}
		results = append(results, r)
	}
	return results, nil
}

func recite(r *Result, x *statute.Index, p statute.Provision, c Config, rng *rand.Rand) error {
	exact := strings.ReplaceAll(p.Text, "\n", "")
	if r.Kind == Sentence {
		if exact = sentence(p.Text, rng); exact == "" {
			return nil
		}
	}
	if r.Kind == Fragment {
		words := []rune(bare(exact))
		n := min(len(words), 6+rng.IntN(19))
		from := rng.IntN(len(words) - n + 1)
		exact = string(words[from : from+n])
	}
	before, after := "", ""
	switch r.Kind {
	case Embedded:
		before, after = "审判长我方认为", "请法庭对此予以考虑"
	case Named:
		before = spoken.Plain("根据"+p.Law+p.Number) + "的规定"
	}
	said := mishear(spoken.Plain(exact), c, rng)
	r.Recited++
	matches, err := x.Lookup(before+said+after, statute.Options{Max: 1})
	if err != nil {
		return err
	}
	if len(matches) > 0 {
		m := matches[0]
		bin := &r.Calibration[min(9, int(m.Confidence*10))]
		bin.Answered++
		same := m.Law == p.Law && m.Number == p.Number && m.Version == p.Version
		if same || strings.Contains(bare(m.Text), bare(exact)) {
			r.Right++
			bin.Right++
			if !same {
				r.Twins++
			}
		}
	}
	if r.Kind == Fragment {
		return nil
	}
	snapped, err := x.Snap(before+said+after, statute.Options{})
	if err != nil {
		return err
	}
	want := before + exact + after
	// Whether a clause ends with a comma or a stop is not heard, and twins may differ in their marks.
	if bare(snapped.Text) == bare(want) {
		r.Exact++
	} else if len(r.Failures) < 20 {
		r.Failures = append(r.Failures, Failure{before + said + after, want, snapped.Text, p.Law, p.Number})
	}
	return nil
}

// bare is a text's letters and figures.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// sentence draws a sentence of at least 14 characters.
func sentence(text string, rng *rand.Rand) string {
	pieces := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("。；\n", r) })
	pieces = slices.DeleteFunc(pieces, func(s string) bool { return han(s) < shortest })
	if len(pieces) == 0 {
		return ""
	}
	return pieces[rng.IntN(len(pieces))]
}

// plain tells whether a text can be read aloud: it has no formulas and tables.
func plain(s string) bool { return !strings.ContainsAny(s, "|=×＝$\\{}<>�") }

func han(s string) int {
	n := 0
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

// mishear replaces characters as a recogniser would: by others of the same sound, the commoner the likelier, or by any.
func mishear(s string, c Config, rng *rand.Rand) string {
	var b strings.Builder
	for _, r := range s {
		switch f := rng.Float64(); {
		case f < c.Homophones:
			b.WriteRune(another(syllable.Homophones(syllable.First(r).Toneless()), r, rng))
		case f < c.Homophones+c.Other:
			b.WriteRune(another(syllable.Homophones(syllable.Syllable(1+rng.IntN(syllable.Limit()-1))), r, rng))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// another draws a character that is not r from the first twelve.
func another(from []rune, r rune, rng *rand.Rand) rune {
	from = from[:min(len(from), 12)]
	if len(from) == 0 || len(from) == 1 && from[0] == r {
		return r
	}
	for {
		if x := from[rng.IntN(len(from))]; x != r {
			return x
		}
	}
}

// FreeText counts what happened to sentences in which nobody recites.
type FreeText struct {
	Sentences int `json:"sentences"`
	// Changed counts those of which characters other than punctuation became others.
	Changed int `json:"changed"`
	// Quoted counts those of which a part was marked as recited and stayed as it was, because it is in the law word for word.
	Quoted int `json:"quoted"`
	// Named counts those in which a provision's name was found.
	Named   int       `json:"named"`
	Changes []Failure `json:"changes,omitempty"`
	// Read counts those that become others when each is taken for one final result of speech.
	Read    int       `json:"changed_as_speech"`
	Reading []Failure `json:"changes_as_speech,omitempty"`
}

// Free looks for recitals in sentences of text.
func Free(ctx context.Context, x *statute.Index, sentences []string) (FreeText, error) {
	var r FreeText
	for _, s := range sentences {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		if utf8.RuneCountInString(s) < 4 {
			continue
		}
		r.Sentences++
		snapped, err := x.Snap(s, statute.Options{})
		if err != nil {
			return r, err
		}
		read, err := x.NewReader().Snap(s, statute.Options{})
		if err != nil {
			return r, err
		}
		if bare(read.Text) != bare(s) {
			r.Read++
			for _, q := range read.Quotations {
				if q.Recited {
					r.Reading = append(r.Reading, Failure{Spoken: s, Got: read.Text, Law: q.Law, Article: q.Number})
				}
			}
		}
		recited, named := false, false
		for _, q := range snapped.Quotations {
			recited, named = recited || q.Recited, named || !q.Recited
			if q.Recited && len(r.Changes) < 400 {
				r.Changes = append(r.Changes, Failure{Spoken: s, Got: snapped.Text, Law: q.Law, Article: q.Number})
			}
		}
		switch {
		case bare(snapped.Text) != bare(s):
			r.Changed++
		case recited:
			r.Quoted++
		}
		if named {
			r.Named++
		}
	}
	return r, nil
}
