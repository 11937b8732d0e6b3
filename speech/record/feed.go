package record

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// FeedOptions say what is going to be heard.
type FeedOptions struct {
	// Channels of the stream, 1 to 8; the same in all streams of a record.
	Channels int
	// TakeOver takes the place of a stream that is being heard, such as one whose client was cut off. Without it, that answers [ErrBusy].
	TakeOver bool
}

// Feed is the one stream that is being heard into a record. It is safe for concurrent use.
type Feed struct {
	live    *live
	release func()
	resume  float64
	before  map[int]float64 // where the last turn of a channel ended when the feed began, seconds
	closed  atomic.Bool
}

// Feed begins to hear a stream into the record. The caller closes it.
func (r *Record) Feed(ctx context.Context, o FeedOptions) (*Feed, error) {
	if o.Channels < 1 || o.Channels > maxChannels {
		return nil, invalid("stream: %d channels, 1 to %d can be heard into a record", o.Channels, maxChannels)
	}
	select {
	case <-r.done:
		return nil, fmt.Errorf("record %s: %w", r.live.id, ErrClosed)
	default:
	}
	l := r.live
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.writable(); err != nil {
		return nil, err
	}
	state := &l.fold.state
	switch {
	case state.Finished:
		return nil, fmt.Errorf("record %s: %w: reopen it to go on with the hearing", l.id, ErrFinished)
	case l.feed != nil && !o.TakeOver:
		return nil, fmt.Errorf("record %s: %w: another stream is being heard into it; end that, or take it over to resume", l.id, ErrBusy)
	case state.Sound.Channels != 0 && state.Sound.Channels != o.Channels:
		return nil, invalid("record %s: the stream has %d channels, it was begun with %d", l.id, o.Channels, state.Sound.Channels)
	}
	if l.o.KeepAudio {
		if err := l.openSound(o.Channels); err != nil {
			return nil, err
		}
	}
	_, err := l.commitLocked(ctx, func() (*entry, error) {
		return &entry{Act: begun, Session: &Session{Position: state.Settled, Channels: o.Channels}}, nil
	})
	if err != nil {
		return nil, err
	}
	fd := &Feed{live: l, resume: state.Settled, before: map[int]float64{}, release: r.store.retain(r.slot)}
	for c, end := range l.fold.heardTo {
		fd.before[c] = end
	}
	l.hearFrom(fd)
	return fd, nil
}

// hearFrom makes a feed the only one, nil none; the write lock is held.
func (l *live) hearFrom(fd *Feed) {
	l.feed = fd
	l.sound.mu.Lock()
	defer l.sound.mu.Unlock()
	l.sound.feed = fd
}

// Resume is from where the client sends sound, seconds from the record's first sample: all that was said before is in the record. To be added to the
// times of a recogniser that begins there.
func (fd *Feed) Resume() float64 { return fd.resume }

// Sound keeps what is heard: whole samples of 16-bit little-endian PCM at 16 kHz, channels interleaved; at is where in the record it begins, seconds.
// Sound that is kept already is left out, and where some is missing there is silence. It is on the disk for certain with the next Append, and in any case after
// 30 s. Where sound is not kept, nothing happens.
func (fd *Feed) Sound(ctx context.Context, at float64, pcm []byte) error {
	l := fd.live
	if !l.o.KeepAudio {
		return nil
	}
	if err := validateSeconds("sound: at", at); err != nil {
		return err
	}
	if int64(len(pcm))%l.sound.frame() != 0 {
		return invalid("sound: %d bytes are no whole samples of %d channels", len(pcm), l.sound.channels)
	}
	unmarked, err := l.sound.write(fd, samples(at), pcm)
	if err != nil || unmarked < maxUnmarked {
		return err
	}
	_, err = fd.append(ctx, nil, nil)
	return err
}

// Append writes turns that will not change any more, in one revision. settled is where the hearing is written down up to, seconds: before it, no channel has
// speech that is not final. When it returns, turns and sound are on the disk. Turns that an earlier stream wrote already, because the client sends sound
// again from Resume, are left out; the others come back with their ids and roles. Without turns only settled moves on.
func (fd *Feed) Append(ctx context.Context, settled float64, turns ...Turn) ([]Turn, error) {
	if err := validateSeconds("settled", settled); err != nil {
		return nil, err
	}
	if len(turns) > maxTurns {
		return nil, invalid("%d turns, at most %d are written at once", len(turns), maxTurns)
	}
	c, err := fd.append(ctx, &settled, turns)
	return c.Turns, err
}

func (fd *Feed) append(ctx context.Context, settled *float64, turns []Turn) (Change, error) {
	l := fd.live
	l.write.Lock()
	defer l.write.Unlock()
	if err := fd.mine(); err != nil {
		return Change{}, err
	}
	keep := func(bool) {}
	change, err := l.commitLocked(ctx, func() (*entry, error) {
		e := &entry{Act: noted}
		if settled != nil {
			at := max(*settled, l.fold.state.Settled)
			e.Settled = &at
		}
		if err := fd.fill(e, turns); err != nil {
			return nil, err
		}
		mark, settle, err := l.sound.mark()
		if err != nil {
			return nil, err
		}
		e.Sound, keep = mark, settle
		return e, nil
	})
	keep(err == nil)
	return change, err
}

// fill makes an entry of the turns that are new.
func (fd *Feed) fill(e *entry, turns []Turn) error {
	f := fd.live.fold
	if f.state.Finished {
		return fmt.Errorf("record %s: %w", f.state.ID, ErrFinished)
	}
	for _, t := range turns {
		if t.Channel < 0 || t.Channel >= f.state.Sound.Channels {
			return invalid("turn: channel %d, the stream has %d", t.Channel, f.state.Sound.Channels)
		}
		if err := t.validate(len(f.state.Case.Agenda)); err != nil {
			return err
		}
		if fd.known(t) {
			continue
		}
		t.ID, t.At, t.Inserted, t.Withdrawn, t.Revisions = f.newest+int64(len(e.Turns))+1, time.Time{}, false, false, nil
		if t.Spoken == t.Text {
			t.Spoken = ""
		}
		t.Role = f.roleOf(t)
		if t.AgendaItem == 0 {
			t.AgendaItem = f.itemAt(t.Start)
		}
		e.Turns = append(e.Turns, t)
	}
	if len(e.Turns) > 0 {
		e.Act = Heard
	}
	return nil
}

// TellRole gives a role to the turns of a speaker on a channel, who turned out to have it only later; an empty speaker stands for all that have no label.
// Roles that a clerk gave, to a turn, the speaker or the channel, stay. When nothing changes, no revision is made and the change is empty.
func (fd *Feed) TellRole(ctx context.Context, channel int, speaker string, role Role) (Change, error) {
	if err := validateRole("turn: role", role); err != nil {
		return Change{}, err
	}
	l := fd.live
	l.write.Lock()
	defer l.write.Unlock()
	if err := fd.mine(); err != nil {
		return Change{}, err
	}
	e := &entry{Act: Assigned, Seat: &Seat{Speaker: speaker, Channel: channel, Role: role}}
	f := l.fold
	for _, t := range f.order {
		by := Turn{Channel: t.Channel, Speaker: t.Speaker}
		if t.Channel == channel && t.Speaker == speaker && t.Role != role && !f.byHand[t.ID].role && f.roleOf(by) == "" {
			e.Changed = append(e.Changed, t.ID)
		}
	}
	if len(e.Changed) == 0 {
		return Change{}, nil
	}
	return l.commitLocked(ctx, func() (*entry, error) { return e, nil })
}

// known tells a turn that an earlier stream wrote: nothing of it lies behind that stream's last turn of the channel. Of a turn that reaches further, what
// is written twice can be withdrawn, but what is left out would be lost.
func (fd *Feed) known(t Turn) bool {
	end, ok := fd.before[t.Channel]
	if !ok || t.Start >= end {
		return false
	}
	if len(t.Words) == 0 {
		return t.End <= end+slack
	}
	return !slices.ContainsFunc(t.Words, func(w Word) bool { return (w.Start+w.End)/2 > end })
}

// slack is by how much the end of a turn may differ when it is heard a second time, seconds.
const slack = 0.5

// mine tells whether the feed is the record's; the write lock is held.
func (fd *Feed) mine() error {
	if fd.live.feed == fd {
		return nil
	}
	if fd.closed.Load() {
		return fmt.Errorf("stream into record %s: %w", fd.live.id, ErrClosed)
	}
	return fmt.Errorf("stream into record %s: %w by a later one", fd.live.id, ErrTakenOver)
}

// Close ends the stream. What was appended stays; sound that no Append has made safe stays too, unless the machine fails. It is idempotent.
func (fd *Feed) Close() error {
	if fd.closed.Swap(true) {
		return nil
	}
	l := fd.live
	l.write.Lock()
	if l.feed == fd {
		l.hearFrom(nil)
	}
	l.write.Unlock()
	fd.release()
	return nil
}
