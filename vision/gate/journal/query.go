package journal

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/courtsense/courtsense/vision/gate"
)

// rowsAtOnce is how many rows are read before others have their turn at the file.
const rowsAtOnce = 256

// Bounds of queries.
const (
	maxPage = 1000
	maxDays = 366
)

// After returns the events that follow a number, oldest first, at most limit of them.
func (j *Journal) After(ctx context.Context, seq int64, limit int) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	var out []Record
	return out, j.db.each(ctx, func(scan func(...any) error) error {
		var seq, at int64
		var sealed []byte
		if err := scan(&seq, &at, &sealed); err != nil {
			return err
		}
		r, err := j.record(seq, at, sealed)
		out = append(out, r)
		return err
	}, "SELECT seq, at, sealed FROM events WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
}

// Next is the number that the next event will have.
func (j *Journal) Next() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.nextEvent
}

// VisitQuery says which visits are wanted.
type VisitQuery struct {
	From, Until time.Time // of the entry, From <= entry < Until; zero: no bound
	Zone        string    // "": all
	Person      string    // name, "galleries/G/persons/P"; "": all, unknown ones too
	PageSize    int       // 1 to 1000
	PageToken   string
}

// Visits returns visits by their entry. The token is that of the next page, empty when this is the last.
func (j *Journal) Visits(ctx context.Context, q VisitQuery) (page []Visit, next string, err error) {
	if q.PageSize < 1 || q.PageSize > maxPage {
		return nil, "", fmt.Errorf("%w: page size %d is not within 1 and %d", ErrInvalid, q.PageSize, maxPage)
	}
	var from, after int64 = -1 << 62, 0
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	if q.PageToken != "" {
		if err := parseToken(q.PageToken, "visit %d %d", &from, &after); err != nil {
			return nil, "", err
		}
	}
	err = j.scanVisits(ctx, from, after, func(v Visit) (bool, error) {
		switch {
		case !q.Until.IsZero() && !v.Entry.Before(q.Until):
			return false, nil
		case q.Zone != "" && v.Zone != q.Zone, q.Person != "" && v.Person.Name() != q.Person:
			return true, nil
		case len(page) == q.PageSize:
			last := page[len(page)-1]
			next = token("visit %d %d", last.Entry.UnixMilli(), last.ID)
			return false, nil
		}
		page = append(page, v)
		return true, nil
	})
	return page, next, err
}

// scanVisits calls visit for the visits from an entry time on, after a number of that time, until it wants no more. In
// between others have their turn at the file.
func (j *Journal) scanVisits(ctx context.Context, from, after int64, visit func(Visit) (bool, error)) error {
	for {
		n, more := 0, true
		err := j.locked(func() error {
			return j.visitsUpTo(ctx, from, after, rowsAtOnce, func(entry int64, v Visit) error {
				n++
				from, after = entry, v.ID
				if !more {
					return nil
				}
				var err error
				more, err = visit(v)
				return err
			})
		})
		if err != nil || n < rowsAtOnce || !more {
			return err
		}
	}
}

func (j *Journal) locked(f func() error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	return f()
}

// visitsFrom is scanVisits for who has the journal to themselves.
func (j *Journal) visitsFrom(ctx context.Context, from, after int64, visit func(Visit) (bool, error)) error {
	return j.visitsUpTo(ctx, from, after, -1, func(_ int64, v Visit) error {
		_, err := visit(v)
		return err
	})
}

func (j *Journal) visitsUpTo(ctx context.Context, from, after int64, limit int, visit func(entry int64, v Visit) error) error {
	return j.db.each(ctx, func(scan func(...any) error) error {
		var id, entry int64
		var sealed []byte
		if err := scan(&id, &entry, &sealed); err != nil {
			return err
		}
		v := Visit{ID: id}
		if err := j.open(&v, sealed, "visits", id, entry); err != nil {
			return err
		}
		return visit(entry, v)
	}, "SELECT id, entry, sealed FROM visits WHERE (entry, id) > (?, ?) ORDER BY entry, id LIMIT ?", from, after, limit)
}

// Attendance is one person on one day.
type Attendance struct {
	Person      gate.PersonRef
	Date        string // YYYY-MM-DD
	First, Last time.Time
	Passages    int
}

// AttendanceQuery says which days are wanted.
type AttendanceQuery struct {
	First, Last string         // days, YYYY-MM-DD; Last "": First
	Location    *time.Location // whose days they are; nil: time.Local
	Person      string         // name; "": all
	Zone        string         // "": all
	PageSize    int            // 1 to 1000
	PageToken   string
}

// Attendance returns who was admitted on which day, with the first and the last time that they were seen, by day and then by
// name. A passage counts to the day on which it began.
func (j *Journal) Attendance(ctx context.Context, q AttendanceQuery) (page []Attendance, next string, err error) {
	if q.PageSize < 1 || q.PageSize > maxPage {
		return nil, "", fmt.Errorf("%w: page size %d is not within 1 and %d", ErrInvalid, q.PageSize, maxPage)
	}
	q.Last, q.Location = cmp.Or(q.Last, q.First), cmp.Or(q.Location, time.Local)
	first, err := time.ParseInLocation(time.DateOnly, q.First, q.Location)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %q is no day; write it like 2026-03-01", ErrInvalid, q.First)
	}
	last, err := time.ParseInLocation(time.DateOnly, q.Last, q.Location)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %q is no day; write it like 2026-03-01", ErrInvalid, q.Last)
	}
	switch {
	case last.Before(first):
		return nil, "", fmt.Errorf("%w: the last day, %s, is before the first, %s", ErrInvalid, q.Last, q.First)
	case last.Sub(first) > maxDays*24*time.Hour:
		return nil, "", fmt.Errorf("%w: more than %d days; ask for fewer at a time", ErrInvalid, maxDays)
	}
	after := ""
	if q.PageToken != "" {
		var day string
		if err := parseToken(q.PageToken, "attendance %s %s", &day, &after); err != nil {
			return nil, "", err
		}
		if first, err = time.ParseInLocation(time.DateOnly, day, q.Location); err != nil {
			return nil, "", errToken
		}
	}
	for ; !first.After(last); first, after = first.AddDate(0, 0, 1), "" {
		day, err := j.attendanceOf(ctx, first, q)
		if err != nil {
			return nil, "", err
		}
		for _, a := range day {
			if a.Person.Name() <= after {
				continue
			}
			if len(page) == q.PageSize {
				// The one before this may be of an earlier day.
				was := page[len(page)-1]
				return page, token("attendance %s %s", was.Date, was.Person.Name()), nil
			}
			page = append(page, a)
		}
	}
	return page, "", nil
}

func (j *Journal) attendanceOf(ctx context.Context, day time.Time, q AttendanceQuery) ([]Attendance, error) {
	people := map[string]*Attendance{}
	from, until, after := day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli(), int64(0)
	for {
		n := 0
		err := j.locked(func() error {
			return j.db.each(ctx, func(scan func(...any) error) error {
				var seq, at int64
				var sealed []byte
				if err := scan(&seq, &at, &sealed); err != nil {
					return err
				}
				n++
				from, after = at, seq
				r, err := j.record(seq, at, sealed)
				if err != nil {
					return err
				}
				name := r.Person.Name()
				if r.Type != gate.Admitted || q.Zone != "" && r.Zone != q.Zone || q.Person != "" && name != q.Person {
					return nil
				}
				a := people[name]
				if a == nil {
					a = &Attendance{Person: r.Person, Date: day.Format(time.DateOnly), First: r.Start, Last: r.Last}
					people[name] = a
				}
				a.Passages++
				if r.Start.Before(a.First) {
					a.First = r.Start
				}
				if r.Last.After(a.Last) {
					a.Last = r.Last
				}
				return nil
			}, "SELECT seq, at, sealed FROM events WHERE (at, seq) > (?, ?) AND at < ? ORDER BY at, seq LIMIT ?", from, after, until, rowsAtOnce)
		})
		if err != nil {
			return nil, err
		}
		if n < rowsAtOnce {
			break
		}
	}
	var out []Attendance
	for _, name := range slices.Sorted(maps.Keys(people)) {
		out = append(out, *people[name])
	}
	return out, nil
}

var errToken = fmt.Errorf("%w: the page token is none of this journal's", ErrInvalid)

func token(format string, args ...any) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, args...))
}

func parseToken(text, format string, args ...any) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		_, err = fmt.Sscanf(string(b), format, args...)
	}
	if err != nil {
		return errToken
	}
	return nil
}
