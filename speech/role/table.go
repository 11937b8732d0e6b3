package role

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/speech/syllable"
)

//go:embed cues.txt
var cues string

// DefaultTable has the phrases of a civil hearing; cues.txt lists them. It is shared and never changes.
var DefaultTable = sync.OnceValue(func() *Table {
	t, err := ReadTable(strings.NewReader(cues))
	if err != nil {
		panic(fmt.Sprintf("cues.txt: %v", err)) // proven by a test
	}
	return t
})

// Points of evidence. A role is told from enough of them.
const (
	half   = 1
	whole  = 2
	enough = 2
	ahead  = 1 // by which the best role must lead
	// outweighs is by how many times it must lead over one that has enough, too. On simulated hearings at one microphone, where voices are mixed up,
	// 3 leaves a third fewer turns to a wrong role than 1, and a twentieth fewer to the right one.
	outweighs = 3
)

// Of a phrase.
const (
	gapMark   = '…'
	longestAt = 12 // characters that … stands for
	leastCue  = 3
)

// Table holds the phrases that give away who speaks.
type Table struct {
	cues []cue // by first syllable would be quicker; some hundred against a sentence take microseconds as they are
}

// cue is one phrase.
type cue struct {
	phrase string
	parts  [][]syllables
	length int  // characters without gaps
	says   Role // whose phrase it is
	points int
	asks   Role // who speaks next; "" when nobody is asked
}

// syllables are how a character may sound, without tones.
type syllables []syllable.Syllable

func (a syllables) alike(b syllables) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

func soundsOf(r rune) (out syllables) {
	for _, s := range syllable.Of(r) {
		if s = s.Toneless(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// heard returns the sounds of a text's Chinese characters; others are left out.
func heard(text string) (out []syllables) {
	for _, r := range text {
		if s := soundsOf(r); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// ReadTable reads phrases as cues.txt explains them. An error names the line.
func ReadTable(r io.Reader) (*Table, error) {
	t := &Table{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c, err := parse(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		t.cues = append(t.cues, c)
	}
	return t, lines.Err()
}

func parse(words []string) (cue, error) {
	var c cue
	var name string
	switch {
	case len(words) == 3 && words[0] == "ask":
		name, c.phrase, c.says, c.points = words[1], words[2], Judge, half
	case len(words) == 3 && words[1] == "says":
		name, c.phrase, c.points = words[0], words[2], whole
	case len(words) == 4 && words[1] == "may" && words[2] == "say":
		name, c.phrase, c.points = words[0], words[3], half
	default:
		return c, fmt.Errorf(`want "ROLE says PHRASE", "ROLE may say PHRASE" or "ask ROLE PHRASE", got %q`, strings.Join(words, " "))
	}
	role, ok := Parse(name)
	if !ok || role == Unknown {
		return c, fmt.Errorf("%q is no role; want one of %v", name, Roles)
	}
	if c.says == "" {
		c.says = role
	} else {
		c.asks = role
	}
	for part := range strings.SplitSeq(c.phrase, string(gapMark)) {
		sounds := heard(part)
		if len(sounds) != len([]rune(part)) {
			return c, fmt.Errorf("%q has characters that are not Chinese", c.phrase)
		}
		if len(sounds) == 0 {
			return c, fmt.Errorf("%q begins or ends with %c, or has two in a row", c.phrase, gapMark)
		}
		c.parts = append(c.parts, sounds)
		c.length += len(sounds)
	}
	if c.length < leastCue {
		return c, fmt.Errorf("%q is shorter than %d characters, and would be heard everywhere", c.phrase, leastCue)
	}
	return c, nil
}

// place is where a text has a phrase, in heard characters.
type place struct {
	cue        *cue
	start, end int
}

// find returns the phrases of a text, in order and apart from each other: of those that share characters the earlier one, then the longer one.
func (t *Table) find(text string) []place {
	said := heard(text)
	var all []place
	for i := range t.cues {
		c := &t.cues[i]
		for at := 0; at+c.length <= len(said); at++ {
			if end, ok := c.match(said, at); ok {
				all = append(all, place{c, at, end})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.cue.length, a.cue.length), cmp.Compare(a.end, b.end))
	})
	kept := all[:0]
	for _, p := range all {
		if len(kept) == 0 || p.start >= kept[len(kept)-1].end {
			kept = append(kept, p)
		}
	}
	return kept
}

// match tells where a phrase that begins at a place of the text ends: each part as early as it can be.
func (c *cue) match(said []syllables, at int) (end int, ok bool) {
	for i, part := range c.parts {
		last := at
		if i > 0 {
			last += longestAt
		}
		found := false
		for ; at <= last && at+len(part) <= len(said); at++ {
			if found = slices.EqualFunc(part, said[at:at+len(part)], syllables.alike); found {
				break
			}
		}
		if !found {
			return 0, false
		}
		at += len(part)
	}
	return at, true
}
