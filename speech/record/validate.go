package record

import (
	"fmt"
	"github.com/courtsense/courtsense/speech/role"
	"math"
	"regexp"
	"time"
	"unicode/utf8"
)

const (
	maxChannels = 8
	maxText     = 100_000 // characters of a turn
	maxWords    = 100_000 // of a turn
	maxTurns    = 1000    // in one append
	maxLabel    = 256     // characters of names and labels
	maxDetail   = 2000    // characters of reasons and details
	maxItems    = 1000    // parties, attendees, points of an agenda, fields
	maxSeconds  = 30 * 24 * 3600
)

var (
	recordID = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)
	dateForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	hexHash  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func validateID(id string) error {
	if !recordID.MatchString(id) {
		return fmt.Errorf("%w: record id %q must be 1 to 128 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\", and not begin with \".\"", ErrInvalid, id)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// limited refuses text that is too long, or that JSON would change.
func limited(what, s string, most int) error {
	if !utf8.ValidString(s) {
		return invalid("%s is not UTF-8", what)
	}
	if n := utf8.RuneCountInString(s); n > most {
		return invalid("%s has %d characters, at most %d are kept", what, n, most)
	}
	return nil
}

func allLimited(most int, fields ...[2]string) error {
	for _, f := range fields {
		if err := limited(f[0], f[1], most); err != nil {
			return err
		}
	}
	return nil
}

func (by Edit) validate() error {
	if by.Author == "" {
		return invalid("author: say who changes the record")
	}
	if err := limited("author", by.Author, 128); err != nil {
		return err
	}
	return limited("reason", by.Reason, maxDetail)
}

func validateRole(what string, r Role) error {
	if !r.Valid() {
		return invalid("%s: there is no role %q; the roles are %v", what, r, role.All())
	}
	return nil
}

func validateSeconds(what string, s float64) error {
	if math.IsNaN(s) || s < 0 || s > maxSeconds {
		return invalid("%s: %v s is not within 0 and %d (30 days)", what, s, maxSeconds)
	}
	return nil
}

func validateItem(item, points int) error {
	if item < 0 || item > points {
		return invalid("agenda item %d: the agenda has %d points", item, points)
	}
	return nil
}

func (c Case) validate() error {
	switch c.Kind {
	case "", Trial, Mediation, Minutes:
	default:
		return invalid("case: there is no kind %q; it is %q, %q or %q", c.Kind, Trial, Mediation, Minutes)
	}
	if c.Date != "" {
		if _, err := time.Parse(time.DateOnly, c.Date); err != nil || !dateForm.MatchString(c.Date) {
			return invalid("case: date %q must be a day as YYYY-MM-DD", c.Date)
		}
	}
	if len(c.Parties) > maxItems || len(c.Attendees) > maxItems || len(c.Agenda) > maxItems || len(c.Extra) > maxItems {
		return invalid("case: at most %d parties, attendees, points of the agenda and further fields are kept each", maxItems)
	}
	if err := allLimited(maxLabel, [2]string{"case: number", c.Number}, [2]string{"case: court", c.Court}, [2]string{"case: time", c.Time}); err != nil {
		return err
	}
	if err := allLimited(maxDetail, [2]string{"case: cause", c.Cause}, [2]string{"case: title", c.Title}, [2]string{"case: place", c.Place}); err != nil {
		return err
	}
	for i, p := range c.Parties {
		what := fmt.Sprintf("case: party %d: ", i+1)
		if err := validateRole(what+"role", p.Role); err != nil {
			return err
		}
		if len(p.Representatives) > maxItems {
			return invalid("%s%d representatives, at most %d are kept", what, len(p.Representatives), maxItems)
		}
		if err := allLimited(maxDetail, [2]string{what + "name", p.Name}, [2]string{what + "details", p.Details}); err != nil {
			return err
		}
		for _, r := range p.Representatives {
			if err := allLimited(maxDetail, [2]string{what + "representative", r.Name}, [2]string{what + "representative's title", r.Title},
				[2]string{what + "representative's details", r.Details}); err != nil {
				return err
			}
		}
	}
	for i, a := range c.Attendees {
		what := fmt.Sprintf("case: attendee %d: ", i+1)
		if err := validateRole(what+"role", a.Role); err != nil {
			return err
		}
		if err := allLimited(maxDetail, [2]string{what + "name", a.Name}, [2]string{what + "title", a.Title}); err != nil {
			return err
		}
	}
	for i, a := range c.Agenda {
		what := fmt.Sprintf("case: agenda item %d: ", i+1)
		if err := allLimited(maxText, [2]string{what + "title", a.Title}, [2]string{what + "presenter", a.Presenter}, [2]string{what + "decision", a.Decision}); err != nil {
			return err
		}
	}
	for k, v := range c.Extra {
		if err := allLimited(maxDetail, [2]string{"case: field name", k}, [2]string{"case: field " + k, v}); err != nil {
			return err
		}
	}
	return nil
}

// validate checks what a stream or a clerk says of a turn; the agenda has so many points.
func (t Turn) validate(points int) error {
	if t.Channel < -1 || t.Channel >= maxChannels {
		return invalid("turn: channel %d is not within 0 and %d", t.Channel, maxChannels-1)
	}
	if err := validateSeconds("turn: start", t.Start); err != nil {
		return err
	}
	if err := validateSeconds("turn: end", t.End); err != nil {
		return err
	}
	if t.End < t.Start {
		return invalid("turn: it ends at %v s, before it begins at %v s", t.End, t.Start)
	}
	if err := allLimited(maxText, [2]string{"turn: text", t.Text}, [2]string{"turn: spoken text", t.Spoken}); err != nil {
		return err
	}
	if err := limited("turn: speaker", t.Speaker, maxLabel); err != nil {
		return err
	}
	if err := validateRole("turn: role", t.Role); err != nil {
		return err
	}
	if err := validateItem(t.AgendaItem, points); err != nil {
		return err
	}
	if !finite(t.Confidence) {
		return invalid("turn: confidence %v is no number", t.Confidence)
	}
	if len(t.Words) > maxWords {
		return invalid("turn: %d words, at most %d are kept", len(t.Words), maxWords)
	}
	for _, w := range t.Words {
		if err := allLimited(maxLabel, [2]string{"turn: word", w.Text}, [2]string{"turn: hot word", w.HotWord}); err != nil {
			return err
		}
		if err := validateSeconds("turn: word "+w.Text, w.Start); err != nil {
			return err
		}
		if err := validateSeconds("turn: word "+w.Text, w.End); err != nil {
			return err
		}
		if !finite(w.Confidence) {
			return invalid("turn: word %s: confidence %v is no number", w.Text, w.Confidence)
		}
	}
	return validateQuotations(t.Quotations, utf8.RuneCountInString(t.Text))
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// validateQuotations wants quotations in order and apart from each other, within a text of so many characters.
func validateQuotations(qs []Quotation, characters int) error {
	at := 0
	for i, q := range qs {
		if q.Start < at || q.End <= q.Start || q.End > characters {
			return invalid("quotation %d: characters %d to %d of a text of %d: quotations follow each other within the text", i+1, q.Start, q.End, characters)
		}
		at = q.End
		if err := allLimited(maxText, [2]string{"quotation: law", q.Law}, [2]string{"quotation: version", q.Version}, [2]string{"quotation: article", q.Article},
			[2]string{"quotation: provision", q.Provision}, [2]string{"quotation: spoken text", q.Spoken}); err != nil {
			return err
		}
		if !finite(q.Confidence) {
			return invalid("quotation %d: confidence %v is no number", i+1, q.Confidence)
		}
		if len(q.Headings) > maxItems {
			return invalid("quotation %d: %d headings, at most %d are kept", i+1, len(q.Headings), maxItems)
		}
		for _, h := range q.Headings {
			if err := limited("quotation: heading", h, maxDetail); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s Seat) validate() error {
	if err := validateRole("seat", s.Role); err != nil {
		return err
	}
	if s.Role == "" {
		return invalid("seat: name a role; %q takes one back", role.Unknown)
	}
	switch {
	case s.Speaker != "":
		if s.Channel != -1 {
			return invalid("seat: a speaker or a channel, not both: channel is -1 with speaker %q", s.Speaker)
		}
		return limited("seat: speaker", s.Speaker, maxLabel)
	case s.Channel < 0 || s.Channel >= maxChannels:
		return invalid("seat: channel %d is not within 0 and %d", s.Channel, maxChannels-1)
	}
	return nil
}
