package record

import "time"

// Turn is what somebody said without a pause, as it shows now.
type Turn struct {
	ID int64 `json:"id"` // from 1 in the order in which turns were written; it never changes and none is used twice
	// Channel is the track that it was heard in, from 0; -1 of a turn that a clerk inserted.
	Channel int    `json:"channel"`
	Speaker string `json:"speaker,omitempty"` // label within the hearing, such as "S1"; empty where speakers were not told apart
	Role    Role   `json:"role,omitempty"`
	// Start and End are seconds from the record's first sample.
	Start      float64     `json:"start"`
	End        float64     `json:"end"`
	At         time.Time   `json:"at,omitzero"`      // when it was written, by the server's clock
	Text       string      `json:"text"`             // as it shows: punctuated, corrected
	Spoken     string      `json:"spoken,omitempty"` // as it was recognised; empty when that is the first Text
	Confidence float32     `json:"confidence,omitempty"`
	Words      []Word      `json:"words,omitempty"` // as they were recognised; corrections leave them
	Quotations []Quotation `json:"quotations,omitempty"`
	Overlap    bool        `json:"overlap,omitempty"`     // somebody else speaks at the same time
	AgendaItem int         `json:"agenda_item,omitempty"` // from 1; 0: none
	Inserted   bool        `json:"inserted,omitempty"`    // by a clerk
	Withdrawn  bool        `json:"withdrawn,omitempty"`   // it shows no more in documents; nothing of it is lost
	// Revisions are the changes that concern it, the oldest first. The first one says how it was written at first, and the number of the last one
	// is what a correction is based on.
	Revisions []Revision `json:"revisions,omitempty"`
}

// Revision is the number of the turn's latest revision, which a [Correction] is based on.
func (t Turn) Revision() int64 {
	if len(t.Revisions) == 0 {
		return 0
	}
	return t.Revisions[len(t.Revisions)-1].Number
}

// Word is one recognised word, or character, with its place in the sound in seconds.
type Word struct {
	Text       string  `json:"text"`
	Start      float64 `json:"start"`
	End        float64 `json:"end"`
	Confidence float32 `json:"confidence,omitempty"` // 0..1
	HotWord    string  `json:"hot_word,omitempty"`   // that it belongs to
}

// Quotation is a provision that a turn's text recites in its exact words, or names.
type Quotation struct {
	Start      int      `json:"start"` // in Text, characters from 0
	End        int      `json:"end"`   // exclusive
	Law        string   `json:"law"`
	Version    string   `json:"version,omitempty"` // YYYY-MM-DD
	Article    string   `json:"article"`           // as printed
	Headings   []string `json:"headings,omitempty"`
	Provision  string   `json:"provision,omitempty"` // the article's whole text
	Spoken     string   `json:"spoken,omitempty"`    // what was recognised at this place
	Confidence float32  `json:"confidence,omitempty"`
	Recited    bool     `json:"recited,omitempty"` // its words are said, not only its name
}

// Act is what a revision did.
type Act string

// The acts.
const (
	Created   Act = "created"   // the record was begun
	Heard     Act = "heard"     // turns were recognised
	Corrected Act = "corrected" // a turn's text, role, speaker or agenda item
	Inserted  Act = "inserted"  // a turn
	Withdrawn Act = "withdrawn" // a turn
	Restored  Act = "restored"  // a withdrawn turn
	Assigned  Act = "assigned"  // a role to a channel or speaker, and so to its turns
	CaseSet   Act = "case_set"
	AgendaSet Act = "agenda_set" // the hearing came to a point of the agenda
	Finished  Act = "finished"   // nothing changes from here on
	Reopened  Act = "reopened"
)

// Revision is one change of the record: what was set, by whom, when and why.
type Revision struct {
	// Number counts the record's changes from 1. It alone says what came before what: clocks jump.
	Number int64     `json:"number"`
	Act    Act       `json:"act"`
	At     time.Time `json:"at"`               // by the server's clock, UTC
	Author string    `json:"author,omitempty"` // empty: the recogniser
	Reason string    `json:"reason,omitempty"`
	// ClockStep is how far the server's clock was set forward, or backward (negative), since the entry before, where that was noticed.
	ClockStep time.Duration `json:"clock_step,omitempty"`
	// Turns are those that it concerns; left out among a turn's own revisions.
	Turns []int64 `json:"turns,omitempty"`
	// What was set; nil is unchanged. Of a turn's first revision: as it was written.
	Text       *string `json:"text,omitempty"`
	Role       *Role   `json:"role,omitempty"`
	Speaker    *string `json:"speaker,omitempty"`
	AgendaItem *int    `json:"agenda_item,omitempty"`
}

// Edit says who changes the record and why.
type Edit struct {
	Author string // 1 to 128 characters
	Reason string // at most 2000 characters; required to reopen
}

// Correction is a clerk's change of a turn; nil fields stay as they are.
type Correction struct {
	// Base is the turn's [Turn.Revision] that the clerk saw. When the turn has another one by now, the correction is refused with a [*ConflictError].
	Base       int64
	Text       *string
	Role       *Role
	Speaker    *string
	AgendaItem *int
	// Quotations are those of the new text. When nil, those whose words still stand in it stay.
	Quotations []Quotation
	Edit
}
