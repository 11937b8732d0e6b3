package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Filter says which records are listed; empty fields let all through.
type Filter struct {
	Text     string // stands in the id, case number, cause, title or a party's name, as Search finds it
	Kind     Kind
	Finished *bool
	From, To string // days of the hearing, YYYY-MM-DD, both included
}

const (
	defaultPage = 50
	maxPage     = 1000
	summaryName = "summary.json"
	summaryForm = 1 // what a Summary holds: one more when that changes
)

// List lists records by their ids, at most pageSize (1 to 1000; 0 is 50), beginning behind the page that gave pageToken. next is empty with the last page. A
// record that can't be read is listed with its problem.
func (s *Store) List(ctx context.Context, f Filter, pageSize int, pageToken string) (page []Summary, next string, err error) {
	if pageSize == 0 {
		pageSize = defaultPage
	}
	if pageSize < 1 || pageSize > maxPage {
		return nil, "", invalid("page size %d is not within 1 and %d", pageSize, maxPage)
	}
	if pageToken != "" && !recordID.MatchString(pageToken) {
		return nil, "", invalid("page token %q is none that a list gave", pageToken)
	}
	if err := limited("filter", f.Text, maxQuery); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, "", fmt.Errorf("records: %w", ErrClosed)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, "", translate(s.dir, err)
	}
	wanted, _ := searchable(f.Text)
	for _, e := range entries {
		id := e.Name()
		if id <= pageToken || !e.IsDir() || !recordID.MatchString(id) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		m, ok := s.summarise(id)
		if !ok || !f.lets(m, wanted) {
			continue
		}
		if len(page) == pageSize {
			return page, page[pageSize-1].ID, nil
		}
		page = append(page, m)
	}
	return page, "", nil
}

func (f Filter) lets(m Summary, wanted []rune) bool {
	if m.Problem != "" {
		return len(wanted) == 0 || holds(m.ID, wanted)
	}
	kind := m.Kind
	if kind == "" {
		kind = Trial
	}
	switch {
	case f.Kind != "" && f.Kind != kind:
		return false
	case f.Finished != nil && *f.Finished != m.Finished:
		return false
	case f.From != "" && m.Date < f.From, f.To != "" && (m.Date > f.To || m.Date == ""):
		return false
	}
	if len(wanted) == 0 {
		return true
	}
	for _, s := range []string{m.ID, m.Number, m.Cause, m.Title} {
		if holds(s, wanted) {
			return true
		}
	}
	for _, p := range m.Parties {
		if holds(p.Name, wanted) {
			return true
		}
	}
	return false
}

func holds(s string, wanted []rune) bool {
	text, _ := searchable(s)
	return contains(text, wanted)
}

// summaries are what lists showed last, so that a list doesn't read every journal again. They are kept beside the journals too; the journal's length tells
// whether one still holds, because nothing of a journal changes but that it grows.
type summaries struct {
	mu   sync.Mutex
	kept map[string]keptSummary
}

type keptSummary struct {
	Form    int     `json:"form"`  // summaryForm; another one is made again
	Bytes   int64   `json:"bytes"` // of the journal
	Summary Summary `json:"summary"`
}

// summarise returns a record's summary; false where there is none.
func (s *Store) summarise(id string) (Summary, bool) {
	s.mu.Lock()
	sl := s.open[id]
	s.mu.Unlock()
	if sl != nil {
		<-sl.ready
		if sl.live != nil {
			return sl.live.snapshot().Summary(), true
		}
	}
	folder := filepath.Join(s.dir, id)
	info, err := os.Stat(filepath.Join(folder, journalName))
	if errors.Is(err, os.ErrNotExist) {
		return Summary{}, false
	}
	if err != nil {
		return Summary{ID: id, Problem: err.Error()}, true
	}
	s.lists.mu.Lock()
	k, ok := s.lists.kept[id]
	s.lists.mu.Unlock()
	if ok && k.Bytes == info.Size() {
		return k.Summary, true
	}
	if b, err := os.ReadFile(filepath.Join(folder, summaryName)); err == nil && json.Unmarshal(b, &k) == nil && k.Form == summaryForm && k.Bytes == info.Size() && k.Summary.ID == id {
		s.lists.remember(k)
		return k.Summary, true
	}
	o := s.o
	o.ReadOnly = true
	l, err := openLive(o, s.dir, id)
	if err != nil {
		return Summary{ID: id, Problem: err.Error()}, true
	}
	k = keptSummary{Form: summaryForm, Bytes: l.size, Summary: l.snapshot().Summary()}
	s.lists.remember(k)
	s.save(k)
	return k.Summary, true
}

func (c *summaries) remember(k keptSummary) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]keptSummary{}
	}
	c.kept[k.Summary.ID] = k
}

// keep keeps the summary of a record that is about to be closed.
func (c *summaries) keep(s *Store, l *live) {
	l.write.Lock()
	k := keptSummary{Form: summaryForm, Bytes: l.journal.end, Summary: l.snapshot().Summary()}
	whole := !l.journal.unclean
	l.write.Unlock()
	if whole {
		c.remember(k)
		s.save(k)
	}
}

// save writes a summary beside its journal. It can be made again at any time, so that a failure matters to nobody but the next list.
func (s *Store) save(k keptSummary) {
	if s.o.ReadOnly {
		return
	}
	b, err := json.Marshal(k)
	if err != nil {
		return
	}
	folder := filepath.Join(s.dir, k.Summary.ID)
	f, err := os.CreateTemp(folder, summaryName+".*")
	if err == nil {
		_, err = f.Write(b)
		err = errors.Join(err, f.Close())
		if err == nil {
			err = os.Rename(f.Name(), filepath.Join(folder, summaryName))
		}
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}
	if err != nil {
		s.o.Logger.Debug("record: keep its summary", "record", k.Summary.ID, "error", err)
	}
}
