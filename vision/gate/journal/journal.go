package journal

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gate"
)

// Config configures a [Journal].
type Config struct {
	Path      string           // the file; made when there is none, its folder must exist
	Keys      *gallery.Keyring // encrypts
	Retention time.Duration    // records are deleted so long after they began; 0: never
	FileBytes int64            // largest size of the file; 0: as large as the disk allows
	Logger    *slog.Logger     // gets what the operator should know, without anything about a person; nil: slog.Default()
	Now       func() time.Time // nil: time.Now
}

// Journal is the record of the gates. It is safe for concurrent use, and the file is its own until Close.
type Journal struct {
	cfg  Config
	db   *database
	uid  []byte
	aead cipher.AEAD

	mu        sync.Mutex
	closed    bool
	nextEvent int64
	nextVisit int64
	passages  map[string]*running // those that may still change, by their key
	inside    map[inside]int64    // visits without an exit
	writing   undo
}

// Record is an event as it is kept.
type Record struct {
	Seq  int64     // from 1, never used twice
	Last time.Time // last seen in the passage; the event's own time until the passage has ended
	gate.Event
}

// Visit is somebody's stay in a zone.
type Visit struct {
	ID     int64          `json:"-"`
	Person gate.PersonRef `json:"person"` // empty for somebody unknown
	Zone   string         `json:"zone"`
	Entry  time.Time      `json:"entry"`
	Exit   time.Time      `json:"exit,omitzero"` // zero while the visit lasts, or when no camera saw it
	Events []int64        `json:"events"`
}

// running is a passage that may still change.
type running struct {
	admitted int64 // its last ADMITTED event, 0 where there is none
	visit    int64 // 0 where there is none
	touched  time.Time
}

type inside struct{ zone, person string }

// Open opens a journal, or makes one. [ErrLocked] says that another process has it, [gallery.ErrWrongKey] that the keyring lacks
// its key.
func Open(ctx context.Context, cfg Config) (*Journal, error) {
	if cfg.Path == "" || cfg.Keys == nil {
		return nil, fmt.Errorf("%w: a journal needs a path and a keyring", ErrInvalid)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	db, err := openDatabase(ctx, cfg.Path, cfg.FileBytes)
	if err != nil {
		return nil, err
	}
	j := &Journal{cfg: cfg, db: db, passages: map[string]*running{}, inside: map[inside]int64{}}
	if err := j.begin(ctx); err != nil {
		return nil, errors.Join(db.translate(err), db.close())
	}
	return j, nil
}

// begin reads the key, or makes one for a new file, and what goes on.
func (j *Journal) begin(ctx context.Context) error {
	var master string
	var wrapped, key []byte
	err := j.db.conn.QueryRowContext(ctx, "SELECT uid, master, wrapped FROM journal WHERE id = 1").Scan(&j.uid, &master, &wrapped)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		j.uid, key = random(16), random(32)
	case err != nil:
		return err
	default:
		if key, err = j.unwrap(master, wrapped); err != nil {
			return err
		}
	}
	active, lent, err := j.cfg.Keys.Lend("", use)
	if err != nil {
		return err
	}
	if active != master {
		// A new file, or the keyring was rotated: the records' key stays, and lies under the new one.
		wrap, err := newAEAD(lent)
		if err != nil {
			return err
		}
		if err := j.db.exec(ctx, "INSERT OR REPLACE INTO journal VALUES (1, ?, ?, ?)", j.uid, active, sealBytes(wrap, key, j.uid)); err != nil {
			return err
		}
	}
	if j.aead, err = newAEAD(key); err != nil {
		return err
	}
	for table, next := range map[string]*int64{"events": &j.nextEvent, "visits": &j.nextVisit} {
		err := j.db.conn.QueryRowContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = ?", table).Scan(next)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		*next++
	}
	return j.readInside(ctx)
}

func (j *Journal) unwrap(master string, wrapped []byte) ([]byte, error) {
	_, lent, err := j.cfg.Keys.Lend(master, use)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.cfg.Path, err)
	}
	a, err := newAEAD(lent)
	if err != nil {
		return nil, err
	}
	key, err := openBytes(a, wrapped, j.uid)
	if err != nil {
		return nil, fmt.Errorf("%w: key %q of the keyring does not open %s: it is another key of that name, or the file was changed", gallery.ErrWrongKey, master, j.cfg.Path)
	}
	return key, nil
}

// longestVisit is how long after an entry an exit is still taken to belong to it.
const longestVisit = 24 * time.Hour

func (j *Journal) readInside(ctx context.Context) error {
	return j.visitsFrom(ctx, j.cfg.Now().Add(-longestVisit).UnixMilli(), 0, func(v Visit) (bool, error) {
		if v.Exit.IsZero() && v.Person.ID != "" {
			j.inside[inside{v.Zone, v.Person.Name()}] = v.ID
		}
		return true, nil
	})
}

// eventRecord is what is sealed of an event.
type eventRecord struct {
	gate.Event
	Last time.Time `json:"last"`
}

// undo is what a transaction changed in memory, to be taken back when it fails.
type undo []func()

func (j *Journal) undoable(back func()) { j.writing = append(j.writing, back) }

// write runs f in one transaction, and takes back what f did in memory when that fails.
func (j *Journal) write(ctx context.Context, f func() error) error {
	if j.closed {
		return ErrClosed
	}
	j.writing = nil
	err := j.db.together(ctx, f)
	if err != nil {
		for i := len(j.writing) - 1; i >= 0; i-- {
			j.writing[i]()
		}
	}
	j.writing = nil
	return err
}

// Append writes events in one transaction, and returns them with their numbers. When it can't, nothing was written; the
// numbers are then used up, so that they are in the records all the same, for those who follow the events.
func (j *Journal) Append(ctx context.Context, events []gate.Event) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := make([]Record, len(events))
	for i, e := range events {
		records[i] = Record{Seq: j.nextEvent, Last: e.Time, Event: e}
		j.nextEvent++
	}
	now := j.cfg.Now()
	for key, r := range j.passages {
		if now.Sub(r.touched) > longestVisit {
			delete(j.passages, key)
		}
	}
	return records, j.write(ctx, func() error {
		for _, r := range records {
			if err := j.putEvent(ctx, "INSERT INTO events (at, sealed, seq) VALUES (?, ?, ?)", r); err != nil {
				return err
			}
			if err := j.follow(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (j *Journal) putEvent(ctx context.Context, statement string, r Record) error {
	at := r.Start.UnixMilli()
	sealed, err := j.seal(eventRecord{r.Event, r.Last}, "events", r.Seq, at)
	if err != nil {
		return err
	}
	return j.db.exec(ctx, statement, at, sealed, r.Seq)
}

// follow keeps visits.
func (j *Journal) follow(ctx context.Context, r Record) error {
	if r.Passage == "" {
		return nil
	}
	p := j.passages[r.Passage]
	if p == nil {
		p = &running{}
		j.passages[r.Passage] = p
		j.undoable(func() { delete(j.passages, r.Passage) })
	}
	was := *p
	j.undoable(func() { *p = was })
	p.touched = j.cfg.Now()
	if r.Type == gate.Admitted {
		p.admitted = r.Seq
	}
	who := inside{r.Zone, r.Person.Name()}
	switch {
	case p.visit != 0:
		return j.changeVisit(ctx, p.visit, func(v *Visit) {
			v.Events = append(v.Events, r.Seq)
			if r.Type == gate.Admitted {
				v.Person = r.Person
				j.enter(who, p.visit)
			}
		})
	case r.Direction == gate.Exit && r.Type == gate.Admitted:
		id, ok := j.inside[who]
		if !ok {
			return nil
		}
		j.undoable(func() { j.inside[who] = id })
		delete(j.inside, who)
		return j.changeVisit(ctx, id, func(v *Visit) {
			v.Events = append(v.Events, r.Seq)
			if r.Time.Sub(v.Entry) <= longestVisit {
				v.Exit = r.Time
			}
		})
	case r.Direction == gate.Entry && (r.Type == gate.Admitted || r.Type == gate.Unknown || r.Type == gate.Tailgating):
		v := Visit{ID: j.nextVisit, Person: r.Person, Zone: r.Zone, Entry: r.Start, Events: []int64{r.Seq}}
		j.nextVisit++
		p.visit = v.ID
		if r.Type == gate.Admitted {
			j.enter(who, v.ID)
		}
		return j.putVisit(ctx, "INSERT INTO visits (entry, sealed, id) VALUES (?, ?, ?)", v)
	}
	return nil
}

func (j *Journal) enter(who inside, visit int64) {
	was, ok := j.inside[who]
	j.undoable(func() {
		delete(j.inside, who)
		if ok {
			j.inside[who] = was
		}
	})
	j.inside[who] = visit
}

func (j *Journal) putVisit(ctx context.Context, statement string, v Visit) error {
	entry := v.Entry.UnixMilli()
	sealed, err := j.seal(v, "visits", v.ID, entry)
	if err != nil {
		return err
	}
	return j.db.exec(ctx, statement, entry, sealed, v.ID)
}

// changeVisit changes a visit, unless it was deleted meanwhile.
func (j *Journal) changeVisit(ctx context.Context, id int64, change func(*Visit)) error {
	var entry int64
	var sealed []byte
	err := j.db.conn.QueryRowContext(ctx, "SELECT entry, sealed FROM visits WHERE id = ?", id).Scan(&entry, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	v := Visit{ID: id}
	if err := j.open(&v, sealed, "visits", id, entry); err != nil {
		return err
	}
	change(&v)
	return j.putVisit(ctx, "UPDATE visits SET entry = ?, sealed = ? WHERE id = ?", v)
}

// End notes when somebody who was admitted was last seen.
func (j *Journal) End(ctx context.Context, endings []gate.Ending) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write(ctx, func() error {
		for _, e := range endings {
			p := j.passages[e.Passage]
			if p == nil || p.admitted == 0 {
				continue
			}
			r, err := j.event(ctx, p.admitted)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			if !e.Last.After(r.Last) {
				continue
			}
			r.Last = e.Last
			if err := j.putEvent(ctx, "UPDATE events SET at = ?, sealed = ? WHERE seq = ?", r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (j *Journal) event(ctx context.Context, seq int64) (Record, error) {
	var at int64
	var sealed []byte
	if err := j.db.conn.QueryRowContext(ctx, "SELECT at, sealed FROM events WHERE seq = ?", seq).Scan(&at, &sealed); err != nil {
		return Record{}, err
	}
	return j.record(seq, at, sealed)
}

func (j *Journal) record(seq, at int64, sealed []byte) (Record, error) {
	var e eventRecord
	if err := j.open(&e, sealed, "events", seq, at); err != nil {
		return Record{}, err
	}
	return Record{Seq: seq, Last: e.Last, Event: e.Event}, nil
}

// Retain deletes what is older than the retention every so often, until ctx ends.
func (j *Journal) Retain(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if n, err := j.Expire(ctx); err != nil && ctx.Err() == nil {
			j.cfg.Logger.WarnContext(ctx, "old records of the gates could not be deleted", "error", err)
		} else if n > 0 {
			j.cfg.Logger.InfoContext(ctx, "deleted old records of the gates", "records", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Expire deletes what is older than the retention, and overwrites its bytes. It returns how many records that were.
func (j *Journal) Expire(ctx context.Context) (int64, error) {
	if j.cfg.Retention == 0 {
		return 0, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	before, n := j.cfg.Now().Add(-j.cfg.Retention).UnixMilli(), int64(0)
	err := j.write(ctx, func() error {
		for _, statement := range []string{"DELETE FROM events WHERE at < ?", "DELETE FROM visits WHERE entry < ?"} {
			result, err := j.db.conn.ExecContext(ctx, statement, before)
			if err != nil {
				return err
			}
			rows, err := result.RowsAffected()
			if err != nil {
				return err
			}
			n += rows
		}
		return nil
	})
	if err != nil || n == 0 {
		return 0, err
	}
	// Out of the log, too.
	return n, j.db.translate(j.db.exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"))
}

// Close gives the file back. It is idempotent.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	return j.db.close()
}
