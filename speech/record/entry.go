package record

import (
	"encoding/json"
	"fmt"
	"time"
)

// Entries that are no revisions of what the record says, beside the acts.
const (
	noted    Act = "noted"    // how far the hearing was heard
	begun    Act = "begun"    // a stream
	exported Act = "exported" // a document
)

// entry is what the journal holds of one change. It says results, not how they came about: reading it again must give the same record for ever.
type entry struct {
	Number    int64         `json:"entry"`              // from 1
	Revision  int64         `json:"revision,omitempty"` // that it makes; 0: none
	Act       Act           `json:"act"`
	At        time.Time     `json:"at"`
	ClockStep time.Duration `json:"clock_step,omitempty"`
	TornBytes int64         `json:"torn_bytes,omitempty"` // that were cut off before it
	Author    string        `json:"author,omitempty"`
	Reason    string        `json:"reason,omitempty"`

	ID      string      `json:"id,omitempty"` // of the record; with Created
	Case    *Case       `json:"case,omitempty"`
	Turns   []Turn      `json:"turns,omitempty"` // new ones
	After   int64       `json:"after,omitempty"` // that an inserted turn stands behind
	Settled *float64    `json:"settled,omitempty"`
	Sound   *soundMark  `json:"sound,omitempty"`
	Session *Session    `json:"session,omitempty"`
	Turn    int64       `json:"turn,omitempty"` // that is changed
	Set     *turnChange `json:"set,omitempty"`
	Seat    *Seat       `json:"seat,omitempty"`
	Changed []int64     `json:"changed,omitempty"` // turns that a seat's role, or the agenda, is set of
	Agenda  *AgendaMark `json:"agenda,omitempty"`
	Export  *Export     `json:"export,omitempty"`
}

// turnChange is what a correction sets; nil is unchanged.
type turnChange struct {
	Text       *string      `json:"text,omitempty"`
	Role       *Role        `json:"role,omitempty"`
	Speaker    *string      `json:"speaker,omitempty"`
	AgendaItem *int         `json:"agenda_item,omitempty"`
	Quotations *[]Quotation `json:"quotations,omitempty"` // of the new text
}

// soundMark says that sound is on the disk, and which.
type soundMark struct {
	From   int64  `json:"from"` // samples of a channel; where the mark before it ended
	To     int64  `json:"to"`
	SHA256 string `json:"sha256"` // of the file's bytes between them
}

func (e *entry) revises() bool { return e.Act != noted && e.Act != begun && e.Act != exported }

func (e *entry) encode() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return b, nil
}

func decodeEntry(payload []byte) (*entry, error) {
	e := &entry{}
	if err := json.Unmarshal(payload, e); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	return e, nil
}
