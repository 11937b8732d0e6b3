package record

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// soundRate is the samples a second of a channel of the sound that is kept.
const soundRate = 16000

// maxSound keeps places in the sound's file far from what an int64 holds.
const maxSound = 2 * maxSeconds * soundRate

// fold is what the entries so far say.
type fold struct {
	state   State   // but for Turns
	order   []*Turn // as they show
	turns   map[int64]*Turn
	changes []Change // of revision n at n-1
	entries int64
	last    time.Time // of the last entry
	newest  int64     // id of the newest turn
	// heardTo is where the last recognised turn of a channel ends, seconds.
	heardTo map[int]float64
	byHand  map[int64]hand
	soundTo int64 // samples of a channel that are on the disk for certain
}

// hand tells what of a turn a clerk set on that turn alone, which no assignment to many changes.
type hand struct{ role, item bool }

func newFold() *fold {
	return &fold{turns: map[int64]*Turn{}, heardTo: map[int]float64{}, byHand: map[int64]hand{}}
}

// replay folds a journal's entries. It ends as the scanner does: errTorn and damage leave what was read before.
func (f *fold) replay(s *scanner, each func(*entry) error) error {
	for {
		before := *s
		payload, err := s.next()
		if err != nil {
			return err
		}
		e, err := decodeEntry(payload)
		if err == nil {
			err = f.check(e)
		}
		if err != nil {
			*s = before
			return s.damaged(err.Error())
		}
		f.apply(e, s.head)
		if each != nil {
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

// check tells whether an entry can follow those before it, so that apply can't fail. It asks for no more than apply and the readers of a state
// need: limits that change with a version must not close an old record.
func (f *fold) check(e *entry) error {
	switch {
	case e.Number != f.entries+1:
		return fmt.Errorf("it calls itself entry %d", e.Number)
	case e.revises() && e.Revision != f.state.Revision+1, !e.revises() && e.Revision != 0:
		return fmt.Errorf("it makes revision %d, but the one before is %d", e.Revision, f.state.Revision)
	case (e.Act == Created) != (f.entries == 0):
		return fmt.Errorf("%s in the wrong place", e.Act)
	case f.state.Finished && e.Act != Reopened && e.Act != exported:
		return fmt.Errorf("%s: %w", e.Act, ErrFinished)
	}
	if e.Sound != nil && (e.Sound.From != f.soundTo || e.Sound.To < e.Sound.From || e.Sound.To > maxSound || f.state.Sound.Channels == 0) {
		return fmt.Errorf("sound from sample %d to %d, but %d are there", e.Sound.From, e.Sound.To, f.soundTo)
	}
	missing := func(ok bool) error {
		if ok {
			return nil
		}
		return fmt.Errorf("%s without what it is about", e.Act)
	}
	switch e.Act {
	case Created:
		return missing(e.ID != "" && e.Case != nil)
	case Heard:
		return f.checkNew(e)
	case Inserted:
		if len(e.Turns) != 1 || e.After != 0 && f.turns[e.After] == nil {
			return missing(false)
		}
		return f.checkNew(e)
	case Corrected:
		t := f.turns[e.Turn]
		if t == nil || e.Set == nil {
			return missing(false)
		}
		text, qs := t.Text, t.Quotations
		if e.Set.Text != nil {
			text, qs = *e.Set.Text, nil
		}
		if e.Set.Quotations != nil {
			qs = *e.Set.Quotations
		}
		return inText(qs, text)
	case Withdrawn, Restored:
		return missing(f.turns[e.Turn] != nil)
	case Assigned:
		return f.checkChanged(e, e.Seat != nil)
	case AgendaSet:
		return f.checkChanged(e, e.Agenda != nil)
	case CaseSet:
		return missing(e.Case != nil)
	case begun:
		return missing(e.Session != nil && e.Session.Channels > 0 && e.Session.Channels <= maxChannels)
	case exported:
		return missing(e.Export != nil)
	case Finished, Reopened, noted:
		return nil
	}
	return fmt.Errorf("%q is no act of this version", e.Act)
}

func (f *fold) checkNew(e *entry) error {
	for i, t := range e.Turns {
		if t.ID != f.newest+int64(i)+1 {
			return fmt.Errorf("turn %d follows turn %d", t.ID, f.newest+int64(i))
		}
		if err := inText(t.Quotations, t.Text); err != nil {
			return err
		}
	}
	return nil
}

func (f *fold) checkChanged(e *entry, ok bool) error {
	if !ok {
		return fmt.Errorf("%s without what it is about", e.Act)
	}
	for _, id := range e.Changed {
		if f.turns[id] == nil {
			return fmt.Errorf("%s of turn %d, which is not there", e.Act, id)
		}
	}
	return nil
}

func inText(qs []Quotation, text string) error {
	at, end := 0, utf8.RuneCountInString(text)
	for _, q := range qs {
		if q.Start < at || q.End <= q.Start || q.End > end {
			return fmt.Errorf("a quotation of characters %d to %d in a text of %d", q.Start, q.End, end)
		}
		at = q.End
	}
	return nil
}

// apply adds an entry that was checked, and the chain's hash behind it.
func (f *fold) apply(e *entry, head chainHash) {
	f.entries, f.last = e.Number, e.At
	f.state.Head = hex.EncodeToString(head[:])
	if e.Settled != nil {
		f.state.Settled = *e.Settled
	}
	if e.Sound != nil {
		f.soundTo = e.Sound.To
		f.state.Sound.Seconds = float64(f.soundTo) / soundRate
	}
	switch e.Act {
	case begun:
		e.Session.At = e.At
		f.state.Sessions = append(f.state.Sessions, *e.Session)
		f.state.Sound.Channels = e.Session.Channels
	case exported:
		e.Export.At = e.At
		f.state.Exports = append(f.state.Exports, *e.Export)
	}
	if !e.revises() {
		return
	}
	f.state.Revision, f.state.Updated = e.Revision, e.At
	r := Revision{Number: e.Revision, Act: e.Act, At: e.At, Author: e.Author, Reason: e.Reason, ClockStep: e.ClockStep}
	c := Change{}
	switch e.Act {
	case Created:
		f.state.ID, f.state.Created = e.ID, e.At
		f.setCase(e, &c)
	case CaseSet:
		f.setCase(e, &c)
	case Heard:
		for i := range e.Turns {
			t := &e.Turns[i]
			f.place(t, f.heardPlace(t.Start), r, &c)
			f.heardTo[t.Channel] = max(f.heardTo[t.Channel], t.End)
		}
	case Inserted:
		at := 0
		if e.After != 0 {
			at = slices.Index(f.order, f.turns[e.After]) + 1
		}
		t := &e.Turns[0]
		f.place(t, at, r, &c)
		f.byHand[t.ID] = hand{role: t.Role != "", item: t.AgendaItem != 0}
	case Corrected:
		r.Text, r.Role, r.Speaker, r.AgendaItem = e.Set.Text, e.Set.Role, e.Set.Speaker, e.Set.AgendaItem
		f.correct(f.turns[e.Turn], e.Set)
		f.revise(e.Turn, r, &c)
	case Withdrawn, Restored:
		f.turns[e.Turn].Withdrawn = e.Act == Withdrawn
		f.revise(e.Turn, r, &c)
	case Assigned:
		r.Role, c.Seat = &e.Seat.Role, e.Seat
		if e.Author != "" { // what a recogniser tells of the turns that come, these say themselves
			f.assign(*e.Seat)
		}
		for _, id := range e.Changed {
			f.turns[id].Role = e.Seat.Role
			f.revise(id, r, &c)
		}
	case AgendaSet:
		r.AgendaItem = &e.Agenda.Item
		e.Agenda.Revision = e.Revision
		c.Agenda = e.Agenda
		f.state.Agenda = append(f.state.Agenda, *e.Agenda)
		for _, id := range e.Changed {
			f.turns[id].AgendaItem = e.Agenda.Item
			f.revise(id, r, &c)
		}
	case Finished, Reopened:
		f.state.Finished = e.Act == Finished
	}
	for _, t := range c.Turns {
		r.Turns = append(r.Turns, t.ID)
	}
	c.Revision = r
	f.state.Revisions = append(f.state.Revisions, r)
	f.changes = append(f.changes, c)
}

func (f *fold) setCase(e *entry, c *Change) {
	f.state.Case, f.state.CaseRevision, c.Case = *e.Case, e.Revision, e.Case
}

// heardPlace is where a recognised turn belongs: behind all that began before it, and what was inserted after those.
func (f *fold) heardPlace(start float64) int {
	at := len(f.order)
	for at > 0 && (f.order[at-1].Inserted || f.order[at-1].Start > start) {
		at--
	}
	for at < len(f.order) && f.order[at].Inserted {
		at++
	}
	return at
}

// place adds a new turn.
func (f *fold) place(t *Turn, at int, r Revision, c *Change) {
	text, role, speaker, item := t.Text, t.Role, t.Speaker, t.AgendaItem
	r.Text, r.Role, r.Speaker, r.AgendaItem = &text, &role, &speaker, &item
	t.At, t.Revisions = r.At, []Revision{r}
	f.newest, f.turns[t.ID] = t.ID, t
	f.order = slices.Insert(f.order, at, t)
	after := int64(0)
	if at > 0 {
		after = f.order[at-1].ID
	}
	c.Turns, c.After = append(c.Turns, *t), append(c.After, after)
}

// revise adds a revision to a turn that it changed.
func (f *fold) revise(id int64, r Revision, c *Change) {
	t := f.turns[id]
	t.Revisions = append(slices.Clip(t.Revisions), r) // states that were given out share the older ones
	c.Turns = append(c.Turns, *t)
}

func (f *fold) correct(t *Turn, set *turnChange) {
	h := f.byHand[t.ID]
	if set.Text != nil {
		t.Text, t.Quotations = *set.Text, nil
	}
	if set.Quotations != nil {
		t.Quotations = *set.Quotations
	}
	if set.Speaker != nil {
		t.Speaker = *set.Speaker
	}
	if set.Role != nil {
		t.Role, h.role = *set.Role, true
	}
	if set.AgendaItem != nil {
		t.AgendaItem, h.item = *set.AgendaItem, true
	}
	f.byHand[t.ID] = h
}

func (s Seat) same(o Seat) bool {
	return s.Speaker == o.Speaker && (s.Speaker != "" || s.Channel == o.Channel)
}

func (f *fold) assign(seat Seat) {
	f.state.Roles = slices.Clone(f.state.Roles)
	for i, s := range f.state.Roles {
		if s.same(seat) {
			f.state.Roles[i] = seat
			return
		}
	}
	f.state.Roles = append(f.state.Roles, seat)
}

// roleOf is the role of a turn on a channel by a speaker: as the clerk assigned it to the speaker, else to the channel, else as it was told.
func (f *fold) roleOf(t Turn) Role {
	role := t.Role
	for _, s := range f.state.Roles {
		switch {
		case !s.Role.Told(): // the assignment was taken back
		case s.Speaker != "" && s.Speaker == t.Speaker:
			return s.Role
		case s.Speaker == "" && s.Channel == t.Channel:
			role = s.Role
		}
	}
	return role
}

// itemAt is the point of the agenda that the hearing is at, by the marks: the latest of those that begin last before it.
func (f *fold) itemAt(at float64) int {
	item, from := 0, -1.
	for _, m := range f.state.Agenda {
		if m.At <= at && m.At >= from {
			item, from = m.Item, m.At
		}
	}
	return item
}

// snapshot is the state as it is now.
func (f *fold) snapshot() *State {
	s := f.state
	s.Turns = make([]Turn, len(f.order))
	for i, t := range f.order {
		s.Turns[i] = *t
	}
	return &s
}
