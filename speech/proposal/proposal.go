package proposal

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/speech/language"
	"github.com/courtsense/courtsense/speech/language/spoken"
)

// Kind is what a proposed hot word is.
type Kind int

// The kinds, and in what order they are looked for: what is found as one is not proposed as a later one.
const (
	CaseNumber Kind = iota
	Organization
	Person
	Place
	Amount
	Cause // of action, or a charge
	Term
	RareWord
	kinds
)

// String names the kind as on the command line.
func (k Kind) String() string {
	return [...]string{"case number", "organization", "person", "place", "amount", "cause of action", "legal term", "rare word"}[k]
}

// usefulness is how much a hot word of a kind helps, all else equal: a choice, after what recognition gets wrong most.
var usefulness = [kinds]float64{CaseNumber: 2, Organization: 4, Person: 6, Place: 3, Amount: 1, Cause: 2, Term: 0.7, RareWord: 2}

// Material is a text of the case.
type Material struct {
	Source string // the caller's name for it
	Page   int    // from 1, of a document; 0 of a text
	Text   string
}

// Source is a sentence that holds a proposal.
type Source struct {
	Material int // index of the material
	Sentence string
}

// Proposal is a proposed hot word.
type Proposal struct {
	Text    string // as it is written in the text
	Kind    Kind
	Count   int
	Sources []Source // the first ones, at most [MaxSources]
	value   float64
}

// Limits of a call.
const (
	MaxSources    = 10
	MaxCharacters = 5_000_000 // of all materials together; a million take some 3 s of one core
	maxSentence   = 200       // characters; a longer one is cut where it is shown
	maxText       = 40        // characters of a proposal
)

// Proposer proposes hot words. It is safe for concurrent use.
type Proposer struct {
	background language.Model
}

// New makes a proposer. The background model tells which words are rare and which names recognition would know anyway; without
// one (nil) no rare words are proposed.
func New(background language.Model) *Proposer { return &Proposer{background} }

// Propose returns at most so many proposals, the most useful first: those of kinds that recognition gets wrong most, that are
// frequent in the materials, and that the background model expects least. The error is the end of ctx.
func (p *Proposer) Propose(ctx context.Context, materials []Material, most int) ([]Proposal, error) {
	var all []sentence
	for i, m := range materials {
		all = append(all, sentences(i, m.Text)...)
	}
	found := &findings{byText: map[string]Kind{}, stopped: func() bool { return ctx.Err() != nil }}
	for _, find := range []func(*findings, []sentence){findCaseNumbers, findOrganizations, p.findPersons, findPlaces, findAmounts, findCauses, findTerms, p.findRare} {
		find(found, all)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	proposals := found.count(all)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i := range proposals {
		q := &proposals[i]
		q.value = usefulness[q.Kind] * math.Log1p(float64(q.Count)) * p.surprise(q.Text)
	}
	slices.SortStableFunc(proposals, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.Text, b.Text))
	})
	return proposals[:min(most, len(proposals))], nil
}

// surprise is what the background model gives for a phrase, nats a character, from its beginning; 1 without a model.
func (p *Proposer) surprise(text string) float64 {
	if p.background == nil {
		return 1
	}
	said := spoken.Plain(text)
	n := len([]rune(said))
	if n == 0 {
		return 0
	}
	return -language.Sum(p.background, said) / float64(n)
}

// sentence is a piece of a material up to a full stop.
type sentence struct {
	material int
	text     []rune // without blanks inside
}

func sentences(material int, text string) []sentence {
	var out []sentence
	var now []rune
	end := func() {
		if len(now) > 1 {
			out = append(out, sentence{material, now})
		}
		now = nil
	}
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\f':
			end()
		case r == ' ' || r == '\t' || r == '　' || r == '\u00a0' || r == '\u200b' || r == '\ufeff':
			// Papers set blanks between the characters of a name, and lines of forms: between Latin letters they stay.
			if n := len(now); n > 0 && isLatin(now[n-1]) {
				now = append(now, ' ')
			}
		default:
			now = append(now, r)
			if strings.ContainsRune("。！？；!?;", r) {
				end()
			}
		}
	}
	end()
	return out
}

// findings are the phrases found so far.
type findings struct {
	order   []string
	byText  map[string]Kind
	stopped func() bool // the call has ended
}

// each visits the sentences until the call ends.
func (f *findings) each(all []sentence, visit func(sentence)) {
	for _, s := range all {
		if f.stopped() {
			return
		}
		visit(s)
	}
}

func (f *findings) add(kind Kind, text string) {
	text = strings.TrimSpace(text)
	n := len([]rune(text))
	if _, known := f.byText[text]; known || n < 2 || n > maxText {
		return
	}
	f.byText[text] = kind
	f.order = append(f.order, text)
}

// count goes through the sentences once and counts every phrase wherever it stands, the longest one at a place.
func (f *findings) count(all []sentence) []Proposal {
	out, index := make([]Proposal, len(f.order)), make(map[string]int, len(f.order))
	for i, text := range f.order {
		out[i] = Proposal{Text: text, Kind: f.byText[text]}
		index[text] = i
	}
	phrases := newLexicon(f.order)
	f.each(all, func(s sentence) {
		phrases.find(s.text, func(at int, phrase []rune) {
			q := &out[index[string(phrase)]]
			q.Count++
			shown := Source{s.material, excerpt(s.text, at, len(phrase))}
			if last := len(q.Sources) - 1; len(q.Sources) < MaxSources && (last < 0 || q.Sources[last] != shown) {
				q.Sources = append(q.Sources, shown)
			}
		})
	})
	return slices.DeleteFunc(out, func(q Proposal) bool { return q.Count == 0 })
}

func hasPrefix(text, prefix []rune) bool {
	return len(text) >= len(prefix) && slices.Equal(text[:len(prefix)], prefix)
}

// excerpt is a sentence around a phrase in it.
func excerpt(text []rune, at, length int) string {
	if len(text) <= maxSentence {
		return string(text)
	}
	from := max(0, min(at-(maxSentence-length)/2, len(text)-maxSentence))
	return "…" + string(text[from:min(len(text), from+maxSentence)]) + "…"
}

func isLatin(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
