package record

import (
	"slices"
	"time"
)

// State is what a record says at one revision. It is a value: nothing changes it later, and what it points to must not be changed.
type State struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`  // by the clock at the latest revision
	Revision int64     `json:"revision"` // the latest; from 1
	Head     string    `json:"head"`     // SHA-256 of the journal's chain, 64 hexadecimal digits: it names this state and all before it

	Case         Case  `json:"case"`
	CaseRevision int64 `json:"case_revision"` // that set the case last
	Finished     bool  `json:"finished"`
	// Turns in the record's order: by their starts, inserted ones behind the turn that they were inserted after. Withdrawn ones are among them.
	Turns     []Turn       `json:"turns"`
	Agenda    []AgendaMark `json:"agenda,omitempty"`
	Roles     []Seat       `json:"roles,omitempty"` // the latest assignment of each channel and speaker
	Sessions  []Session    `json:"sessions,omitempty"`
	Exports   []Export     `json:"exports,omitempty"`
	Revisions []Revision   `json:"revisions"` // of the whole record; number n stands at n-1
	Sound     SoundDetails `json:"sound"`     // that is kept
	Settled   float64      `json:"settled"`   // seconds up to which everything that was said is in the record: from here a client resumes
}

// Turn returns a turn by its id.
func (s State) Turn(id int64) (Turn, bool) {
	i := slices.IndexFunc(s.Turns, func(t Turn) bool { return t.ID == id })
	if i < 0 {
		return Turn{}, false
	}
	return s.Turns[i], true
}

// AgendaMark says from when on the hearing is at a point of the agenda.
type AgendaMark struct {
	Item     int     `json:"item"` // from 1; 0: at none
	At       float64 `json:"at"`   // seconds from the record's first sample
	Revision int64   `json:"revision"`
}

// Seat is a channel or a speaker, and the role that was assigned to it.
type Seat struct {
	Speaker string `json:"speaker,omitempty"` // a label; empty: the channel counts
	Channel int    `json:"channel"`           // from 0; -1 where the speaker counts
	Role    Role   `json:"role"`
}

// Session is a stretch in which a stream was heard into the record.
type Session struct {
	At       time.Time `json:"at,omitzero"` // when it began, by the server's clock
	Position float64   `json:"position"`    // where in the record its sound begins, seconds
	Channels int       `json:"channels"`
}

// Export is a document that was made of the record.
type Export struct {
	Revision int64     `json:"revision"` // that it shows
	Format   string    `json:"format"`
	SHA256   string    `json:"sha256"` // of the file, 64 hexadecimal digits
	At       time.Time `json:"at,omitzero"`
	Author   string    `json:"author,omitempty"`
}

// SoundDetails says which sound is kept: 16-bit little-endian PCM at 16 kHz, channels interleaved.
type SoundDetails struct {
	Channels int     `json:"channels"` // 0: none was heard yet
	Seconds  float64 `json:"seconds"`  // that are on the disk for certain; 0 where sound is not kept
}

// Change is a revision and what it made of the record.
type Change struct {
	Revision Revision `json:"revision"`
	Turns    []Turn   `json:"turns,omitempty"` // that it concerns, as they were after it
	// After has, of new turns, for each the turn that it stands behind in the record's order; 0: it is the first.
	After  []int64     `json:"after,omitempty"`
	Case   *Case       `json:"case,omitempty"` // of Created and CaseSet
	Agenda *AgendaMark `json:"agenda,omitempty"`
	Seat   *Seat       `json:"seat,omitempty"` // of Assigned
}

// Summary is what a list of records shows.
type Summary struct {
	ID       string    `json:"id"`
	Kind     Kind      `json:"kind,omitempty"`
	Number   string    `json:"number,omitempty"` // of the case
	Court    string    `json:"court,omitempty"`
	Cause    string    `json:"cause,omitempty"`
	Title    string    `json:"title,omitempty"`
	Date     string    `json:"date,omitempty"`
	Parties  []Party   `json:"parties,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Revision int64     `json:"revision"`
	Turns    int       `json:"turns"`   // withdrawn ones are not counted
	Seconds  float64   `json:"seconds"` // up to which it is settled
	Finished bool      `json:"finished"`
	Channels int       `json:"channels,omitempty"` // that were heard
	Seats    []Seat    `json:"seats,omitempty"`    // whose roles are known
	// Problem says why the record can't be read; then all else but the ID is zero.
	Problem string `json:"problem,omitempty"`
}

// Channels is the number of channels that were heard, 0 before any were.
func (s State) Channels() int {
	if n := len(s.Sessions); n > 0 {
		return s.Sessions[n-1].Channels
	}
	return s.Sound.Channels
}

// Summary is the state in short.
func (s State) Summary() Summary {
	m := Summary{
		ID: s.ID, Kind: s.Case.Kind, Number: s.Case.Number, Court: s.Case.Court, Cause: s.Case.Cause, Title: s.Case.Title, Date: s.Case.Date,
		Parties: s.Case.Parties, Created: s.Created, Updated: s.Updated, Revision: s.Revision, Seconds: s.Settled, Finished: s.Finished,
		Channels: s.Channels(), Seats: s.Roles,
	}
	for _, t := range s.Turns {
		if !t.Withdrawn {
			m.Turns++
		}
	}
	return m
}
