package record

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Record is an open record. It is safe for concurrent use. A call that changes it returns when the change is on the disk, and what one call was
// acknowledged every later one sees; a change that failed left nothing.
type Record struct {
	live  *live
	store *Store
	slot  *slot // nil: the record is the handle's alone, for reading
	once  sync.Once
	done  chan struct{}
}

// ID is the record's id.
func (r *Record) ID() string { return r.live.id }

// Snapshot is what the record says now.
func (r *Record) Snapshot() State { return r.live.snapshot() }

// Close gives the record back, and ends the subscriptions that were made with it. It is idempotent. A [Feed] goes on until it is closed itself.
func (r *Record) Close() error {
	r.once.Do(func() {
		close(r.done)
		if r.slot != nil {
			r.store.release(r.slot)
		}
	})
	return nil
}

func (r *Record) change(ctx context.Context, by Edit, build func(*fold) (*entry, error)) (Change, error) {
	if err := by.validate(); err != nil {
		return Change{}, err
	}
	return r.commit(ctx, by, build)
}

func (r *Record) commit(ctx context.Context, by Edit, build func(*fold) (*entry, error)) (Change, error) {
	select {
	case <-r.done:
		return Change{}, fmt.Errorf("record %s: %w", r.live.id, ErrClosed)
	default:
	}
	return r.live.commit(ctx, func() (*entry, error) {
		f := r.live.fold
		e, err := build(f)
		if err != nil {
			return nil, err
		}
		if f.state.Finished && e.Act != Reopened && e.Act != exported {
			return nil, fmt.Errorf("record %s: %w: reopen it to change it", r.live.id, ErrFinished)
		}
		e.Author, e.Reason = by.Author, by.Reason
		return e, nil
	})
}

// find returns a turn that a change is based on.
func (f *fold) find(id, base int64) (*Turn, error) {
	t := f.turns[id]
	if t == nil {
		return nil, fmt.Errorf("record %s: turn %d: %w; there are turns 1 to %d", f.state.ID, id, ErrNotFound, f.newest)
	}
	if base < 1 {
		return nil, invalid("turn %d: name the revision of it that the change is based on", id)
	}
	if present := t.Revision(); present != base {
		shown := *t
		return nil, &ConflictError{Base: base, Present: present, Turn: &shown}
	}
	return t, nil
}

func one(c Change, err error) (Turn, error) {
	if err != nil {
		return Turn{}, err
	}
	return c.Turns[0], nil
}

// Correct changes a turn, and returns it as it is then.
func (r *Record) Correct(ctx context.Context, turn int64, c Correction) (Turn, error) {
	return one(r.change(ctx, c.Edit, func(f *fold) (*entry, error) {
		t, err := f.find(turn, c.Base)
		if err != nil {
			return nil, err
		}
		if t.Withdrawn {
			return nil, invalid("turn %d is withdrawn: restore it first", turn)
		}
		set, err := c.set(*t, len(f.state.Case.Agenda))
		if err != nil {
			return nil, err
		}
		return &entry{Act: Corrected, Turn: turn, Set: set}, nil
	}))
}

// set is what a correction changes of a turn, checked.
func (c Correction) set(t Turn, points int) (*turnChange, error) {
	set := &turnChange{Text: c.Text, Role: c.Role, Speaker: c.Speaker, AgendaItem: c.AgendaItem}
	if c.Text == nil && c.Role == nil && c.Speaker == nil && c.AgendaItem == nil && c.Quotations == nil {
		return nil, invalid("turn %d: the correction sets nothing: give a text, role, speaker, agenda item or quotations", t.ID)
	}
	if c.Text != nil {
		kept := keepQuotations(t.Quotations, t.Text, *c.Text)
		t.Text, set.Quotations = *c.Text, &kept
	}
	if c.Quotations != nil {
		set.Quotations = &c.Quotations
	}
	if set.Quotations != nil {
		t.Quotations = *set.Quotations
	}
	if c.Role != nil {
		t.Role = *c.Role
	}
	if c.Speaker != nil {
		t.Speaker = *c.Speaker
	}
	if c.AgendaItem != nil {
		t.AgendaItem = *c.AgendaItem
	}
	return set, t.validate(points)
}

// Insert adds a turn that the recogniser did not hear, behind another one; after 0 it is the first. Text, Role, Speaker, Start, End and AgendaItem of t
// count; without times it stands where the turn before it ends.
func (r *Record) Insert(ctx context.Context, after int64, t Turn, by Edit) (Turn, error) {
	return one(r.change(ctx, by, func(f *fold) (*entry, error) {
		made := Turn{
			ID: f.newest + 1, Channel: -1, Speaker: t.Speaker, Role: t.Role, Start: t.Start, End: t.End, Text: t.Text, Quotations: t.Quotations,
			AgendaItem: t.AgendaItem, Inserted: true,
		}
		if after != 0 {
			before := f.turns[after]
			if before == nil {
				return nil, fmt.Errorf("record %s: turn %d, to insert behind: %w; there are turns 1 to %d, and 0 inserts before all", f.state.ID, after, ErrNotFound, f.newest)
			}
			if made.Start == 0 && made.End == 0 {
				made.Start, made.End = before.End, before.End
			}
			if made.AgendaItem == 0 {
				made.AgendaItem = before.AgendaItem
			}
		}
		if made.Text == "" {
			return nil, invalid("turn: its text is empty")
		}
		if err := made.validate(len(f.state.Case.Agenda)); err != nil {
			return nil, err
		}
		return &entry{Act: Inserted, Turns: []Turn{made}, After: after}, nil
	}))
}

// Withdraw takes a turn out of documents; it stays in the record. base is the turn's revision that the caller saw.
func (r *Record) Withdraw(ctx context.Context, turn, base int64, by Edit) (Turn, error) {
	return r.show(ctx, turn, base, by, Withdrawn)
}

// Restore takes back that a turn was withdrawn.
func (r *Record) Restore(ctx context.Context, turn, base int64, by Edit) (Turn, error) {
	return r.show(ctx, turn, base, by, Restored)
}

func (r *Record) show(ctx context.Context, turn, base int64, by Edit, act Act) (Turn, error) {
	return one(r.change(ctx, by, func(f *fold) (*entry, error) {
		t, err := f.find(turn, base)
		if err != nil {
			return nil, err
		}
		if t.Withdrawn == (act == Withdrawn) {
			return nil, invalid("turn %d is %s already", turn, act)
		}
		return &entry{Act: act, Turn: turn}, nil
	}))
}

// AssignRole gives a role to a channel or a speaker: to all turns of it that there are and to all that come, in one revision. A role that a clerk set on
// a single turn stays, and a speaker's role comes before their channel's. Unknown takes an assignment back for the turns that come.
func (r *Record) AssignRole(ctx context.Context, seat Seat, by Edit) (Change, error) {
	if err := seat.validate(); err != nil {
		return Change{}, err
	}
	return r.change(ctx, by, func(f *fold) (*entry, error) {
		e := &entry{Act: Assigned, Seat: &seat}
		for _, t := range f.order {
			switch {
			case f.byHand[t.ID].role || t.Role == seat.Role:
			case seat.Speaker != "" && t.Speaker != seat.Speaker:
			case seat.Speaker == "" && (t.Channel != seat.Channel || f.speakerAssigned(t.Speaker)):
			default:
				e.Changed = append(e.Changed, t.ID)
			}
		}
		return e, nil
	})
}

// speakerAssigned tells whether a speaker has a role of their own.
func (f *fold) speakerAssigned(speaker string) bool {
	return speaker != "" && slices.ContainsFunc(f.state.Roles, func(s Seat) bool { return s.Speaker == speaker && s.Role.Told() })
}

// SetCase changes what is known about the hearing. base is the [State.CaseRevision] that the caller saw; when it is another one by now, the change is refused
// with a [*ConflictError].
func (r *Record) SetCase(ctx context.Context, c Case, base int64, by Edit) (Change, error) {
	if err := c.validate(); err != nil {
		return Change{}, err
	}
	return r.change(ctx, by, func(f *fold) (*entry, error) {
		if base < 1 {
			return nil, invalid("case: name the revision of it that the change is based on")
		}
		if present := f.state.CaseRevision; base != present {
			return nil, &ConflictError{Base: base, Present: present}
		}
		for _, t := range f.order {
			if t.AgendaItem > len(c.Agenda) {
				return nil, invalid("case: turn %d belongs to point %d of the agenda, the new one has %d: move the turn first", t.ID, t.AgendaItem, len(c.Agenda))
			}
		}
		for _, m := range f.state.Agenda {
			if m.Item > len(c.Agenda) {
				return nil, invalid("case: the hearing came to point %d of the agenda, the new one has %d: keep that many", m.Item, len(c.Agenda))
			}
		}
		return &entry{Act: CaseSet, Case: &c}, nil
	})
}

// SetAgenda says that the hearing is at a point of the agenda, from 1, from so many seconds on; 0 is none. Turns from there to the next such mark
// belong to it, but for those that a clerk set on their own.
func (r *Record) SetAgenda(ctx context.Context, item int, at float64, by Edit) (Change, error) {
	if err := validateSeconds("agenda: at", at); err != nil {
		return Change{}, err
	}
	return r.change(ctx, by, func(f *fold) (*entry, error) {
		if err := validateItem(item, len(f.state.Case.Agenda)); err != nil {
			return nil, err
		}
		e := &entry{Act: AgendaSet, Agenda: &AgendaMark{Item: item, At: at}}
		until := float64(maxSeconds) + 1
		for _, m := range f.state.Agenda {
			if m.At > at {
				until = min(until, m.At)
			}
		}
		for _, t := range f.order {
			if t.Start >= at && t.Start < until && t.AgendaItem != item && !f.byHand[t.ID].item {
				e.Changed = append(e.Changed, t.ID)
			}
		}
		return e, nil
	})
}

// Finish ends the record: nothing of it changes any more, unless it is reopened. While a stream is heard into it, it is refused with [ErrBusy].
func (r *Record) Finish(ctx context.Context, by Edit) (Change, error) {
	return r.change(ctx, by, func(f *fold) (*entry, error) {
		if r.live.feed != nil {
			return nil, fmt.Errorf("record %s: %w: a stream is being heard into it; end that first", f.state.ID, ErrBusy)
		}
		return &entry{Act: Finished}, nil
	})
}

// Reopen lets a finished record be changed again. The reason is kept: documents may have been made of what it said.
func (r *Record) Reopen(ctx context.Context, by Edit) (Change, error) {
	return r.change(ctx, by, func(f *fold) (*entry, error) {
		if !f.state.Finished {
			return nil, invalid("record %s is not finished", f.state.ID)
		}
		if by.Reason == "" {
			return nil, invalid("record %s: say why it is reopened", f.state.ID)
		}
		return &entry{Act: Reopened}, nil
	})
}

// NoteExport notes that a document was made; by whom may be left out. It makes no revision: the record says what it said.
func (r *Record) NoteExport(ctx context.Context, x Export) error {
	if !hexHash.MatchString(x.SHA256) {
		return invalid("export: SHA-256 %q must be 64 hexadecimal digits in lower case", x.SHA256)
	}
	if err := allLimited(maxLabel, [2]string{"export: format", x.Format}, [2]string{"export: author", x.Author}); err != nil {
		return err
	}
	_, err := r.commit(ctx, Edit{Author: x.Author}, func(f *fold) (*entry, error) {
		if x.Revision < 1 || x.Revision > f.state.Revision {
			return nil, invalid("export: revision %d, the record has 1 to %d", x.Revision, f.state.Revision)
		}
		x.At = time.Time{}
		return &entry{Act: exported, Export: &x}, nil
	})
	return err
}

// keepQuotations finds the quotations of an old text in a new one: those whose words still stand there, in order.
func keepQuotations(old []Quotation, oldText, text string) []Quotation {
	kept := []Quotation{}
	was, now := []rune(oldText), []rune(text)
	at := 0
	for _, q := range old {
		words := was[q.Start:q.End]
		for i := at; i+len(words) <= len(now); i++ {
			if slices.Equal(now[i:i+len(words)], words) {
				q.Start, q.End = i, i+len(words)
				kept, at = append(kept, q), q.End
				break
			}
		}
	}
	return kept
}
