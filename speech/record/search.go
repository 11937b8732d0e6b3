package record

import "slices"

// Query says what is searched for.
type Query struct {
	// Text that is found wherever it stands; capitals, full-width forms, blanks and punctuation don't count. At most 1000 characters.
	Text string
	// Role whose turns are searched; empty: all.
	Role Role
	// Spoken searches what was recognised too, where the text was corrected or written otherwise. Such a hit has the whole turn's text as its range.
	Spoken bool
	// Withdrawn searches withdrawn turns too.
	Withdrawn bool
}

// Hit is a place that was searched for.
type Hit struct {
	Turn  int64   `json:"turn"`
	Role  Role    `json:"role,omitempty"`
	Start int     `json:"start"` // in the turn's Text, characters from 0
	End   int     `json:"end"`   // exclusive
	From  float64 `json:"from"`  // seconds
	To    float64 `json:"to"`
	Text  string  `json:"text"` // the turn's
}

const maxQuery = 1000

// Search finds the places of a text in the record's order: at most limit (0: 100) behind the first so many.
func (s State) Search(q Query, limit, offset int) ([]Hit, error) {
	if err := limited("query", q.Text, maxQuery); err != nil {
		return nil, err
	}
	if err := validateRole("query: role", q.Role); err != nil {
		return nil, err
	}
	wanted, _ := searchable(q.Text)
	if len(wanted) == 0 {
		return nil, invalid("query: %q has no letters or figures to search for", q.Text)
	}
	if limit <= 0 {
		limit = 100
	}
	hits := []Hit{}
	for i := range s.Turns {
		t := &s.Turns[i]
		if t.Withdrawn && !q.Withdrawn || q.Role != "" && t.Role != q.Role {
			continue
		}
		for _, h := range t.search(wanted, q.Spoken) {
			if offset > 0 {
				offset--
				continue
			}
			if hits = append(hits, h); len(hits) == limit {
				return hits, nil
			}
		}
	}
	return hits, nil
}

func (t *Turn) search(wanted []rune, spoken bool) []Hit {
	text, places := searchable(t.Text)
	var hits []Hit
	var words []int
	hit := func(start, end int) {
		if words == nil {
			words = t.aligned()
		}
		h := Hit{Turn: t.ID, Role: t.Role, Start: start, End: end, From: t.Start, To: t.End, Text: t.Text}
		if end > start {
			h.From, h.To = t.span(words, start, end)
		}
		hits = append(hits, h)
	}
	for i := 0; i+len(wanted) <= len(text); {
		if !slices.Equal(text[i:i+len(wanted)], wanted) {
			i++
			continue
		}
		hit(places[i], places[i+len(wanted)-1]+1)
		i += len(wanted)
	}
	if spoken && len(hits) == 0 {
		said, _ := searchable(t.said())
		if contains(said, wanted) {
			hit(0, len([]rune(t.Text)))
		}
	}
	return hits
}

// said is what was recognised.
func (t *Turn) said() string {
	if t.Spoken != "" || len(t.Revisions) == 0 || t.Revisions[0].Text == nil {
		return t.Spoken
	}
	return *t.Revisions[0].Text
}

func contains(text, wanted []rune) bool {
	for i := 0; i+len(wanted) <= len(text); i++ {
		if slices.Equal(text[i:i+len(wanted)], wanted) {
			return true
		}
	}
	return false
}

// searchable is a text without what a search does not look at, and where each of its characters stands.
func searchable(s string) (text []rune, places []int) {
	for i, r := range []rune(s) {
		if sounds(r) {
			text, places = append(text, folded(r)), append(places, i)
		}
	}
	return text, places
}
