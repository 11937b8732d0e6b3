package service

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/speech/record"
)

const (
	recordPrefix = "records/"
	turnInfix    = "/turns/"
)

// Records is where the records of hearings are kept, opened on first use.
type Records interface {
	Open(ctx context.Context) (*record.Store, error)
}

// records are the records that streams are being heard into, and who listens meanwhile, by their ids.
type records struct {
	mu        sync.Mutex
	live      map[string]*recordStream
	listeners map[string]map[chan *pb.SpeechSegment]bool
}

// recordStore opens the records.
func (s *Speech) recordStore(ctx context.Context) (*record.Store, error) {
	if s.cfg.Records == nil {
		return nil, rpcerror.New(codes.FailedPrecondition, "RECORDS_UNCONFIGURED", "this server keeps no records of hearings (config records.dir)")
	}
	store, err := s.cfg.Records.Open(ctx)
	return store, recordError(err)
}

// onRecord hands a record to f and gives it back after it.
func (s *Speech) onRecord(ctx context.Context, name string, f func(*record.Record) error) error {
	store, err := s.recordStore(ctx)
	if err != nil {
		return err
	}
	r, err := openRecord(ctx, store, recordID(name))
	if err != nil {
		return err
	}
	defer r.Close()
	return recordError(f(r))
}

// openRecord opens a record; the caller closes it.
func openRecord(ctx context.Context, store *record.Store, id string) (*record.Record, error) {
	r, err := store.Get(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return nil, noRecord(id)
	}
	return r, recordError(err)
}

// noRecord says so without the folder, which is the server's business.
func noRecord(id string) error {
	return rpcerror.New(codes.NotFound, "NOT_FOUND", "there is no record "+id)
}

// recordID is a record's id in the name of it, or of one of its turns.
func recordID(name string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(name, recordPrefix), turnInfix)
	return id
}

// turnID is the number in a turn's name, 0 for no name.
func turnID(name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(name[strings.LastIndexByte(name, '/')+1:], 10, 64)
	if err != nil {
		return 0, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, name+" is no turn's name: it ends in a number")
	}
	return n, nil
}

func turnName(id string, turn int64) string {
	return recordPrefix + id + turnInfix + strconv.FormatInt(turn, 10)
}

// recordErrors are what a store's errors mean to a client; an empty text stands for the error's own.
var recordErrors = []struct {
	is     error
	code   codes.Code
	reason string
	text   string
}{
	{record.ErrNotFound, codes.NotFound, "NOT_FOUND", ""},
	{record.ErrExists, codes.AlreadyExists, "ALREADY_EXISTS", ""},
	{record.ErrInvalid, codes.InvalidArgument, rpcerror.ReasonInvalidValue, ""},
	{record.ErrFinished, codes.FailedPrecondition, "RECORD_FINISHED", "the record is finished: reopen it ('courtsense record reopen') before it is changed"},
	{record.ErrTakenOver, codes.Aborted, "RECORD_TAKEN_OVER", "another stream goes on writing into the record"},
	{record.ErrBusy, codes.Aborted, "RECORD_BUSY", "a stream is being written into the record: wait until it has ended, or go on from it with its resume_token"},
	{record.ErrFull, codes.ResourceExhausted, "STORAGE_FULL", "there is no room on the disk for the record; what was acknowledged is there and can be read, and the next change is tried anew"},
	{record.ErrLocked, codes.Unavailable, "RECORD_LOCKED", "another process has the record open: ask its server (--server), or wait until it has ended"},
	{record.ErrReadOnly, codes.FailedPrecondition, "RECORDS_READ_ONLY", "the folder of the records (records.dir) must exist and be writable by the server"},
	{record.ErrClosed, codes.Unavailable, rpcerror.ReasonDraining, "the records are being closed"},
}

// recordError turns a store's error into a status; others stay as they are.
func recordError(err error) error {
	var conflict *record.ConflictError
	var damage *record.DamageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &conflict):
		return conflictError(conflict)
	case errors.As(err, &damage):
		// Where it lies is the server's business; which entry it is, the clerk's too.
		return rpcerror.New(codes.DataLoss, "RECORD_DAMAGED", "the record is not as it was written, from entry "+strconv.FormatInt(damage.Entry, 10)+" on ("+damage.Detail+"): restore it from a backup",
			rpcerror.Meta("entry", strconv.FormatInt(damage.Entry, 10)), rpcerror.Meta("offset", strconv.FormatInt(damage.Offset, 10)))
	}
	for _, known := range recordErrors {
		if errors.Is(err, known.is) {
			var options []rpcerror.Option
			if known.code == codes.Aborted || known.code == codes.Unavailable {
				options = append(options, rpcerror.Retry(time.Second))
			}
			return rpcerror.New(known.code, known.reason, cmp.Or(known.text, err.Error()), options...)
		}
	}
	return err
}

// conflictError says what is there now, so that a clerk need not ask again.
func conflictError(c *record.ConflictError) error {
	reason := "CASE_CHANGED"
	options := []rpcerror.Option{rpcerror.Meta("base", strconv.FormatInt(c.Base, 10)), rpcerror.Meta("revision", strconv.FormatInt(c.Present, 10))}
	text := "somebody else has changed the case since: nothing was changed; look at what it says now and decide anew"
	if t := c.Turn; t != nil {
		reason = "TURN_CHANGED"
		text = "somebody else has changed turn " + strconv.FormatInt(t.ID, 10) + " since (revision " + strconv.FormatInt(c.Present, 10) + "), which now says: " + t.Text
		author := ""
		if n := len(t.Revisions); n > 0 {
			author = t.Revisions[n-1].Author
		}
		options = append(options, rpcerror.Meta("text", t.Text), rpcerror.Meta("role", string(t.Role)), rpcerror.Meta("author", author))
	}
	return rpcerror.New(codes.Aborted, reason, text, options...)
}

// CreateRecord implements SpeechService.
func (s *Speech) CreateRecord(ctx context.Context, req *pb.CreateRecordRequest) (*pb.CreateRecordResponse, error) {
	ctx, ev := gather(ctx)
	store, err := s.recordStore(ctx)
	if err != nil {
		return nil, err
	}
	r, err := store.Create(ctx, req.GetRecordId(), caseOf(req.GetCase()), record.Edit{Author: req.GetAuthor()})
	if err != nil {
		return nil, recordError(err)
	}
	defer r.Close()
	return &pb.CreateRecordResponse{Record: s.recordMessage(r.Snapshot()), Provenance: ev.provenance()}, nil
}

// GetRecord implements SpeechService.
func (s *Speech) GetRecord(ctx context.Context, req *pb.GetRecordRequest) (*pb.GetRecordResponse, error) {
	ctx, ev := gather(ctx)
	answer := &pb.GetRecordResponse{}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		answer.Record = s.recordMessage(r.Snapshot())
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// ListRecords implements SpeechService.
func (s *Speech) ListRecords(ctx context.Context, req *pb.ListRecordsRequest) (*pb.ListRecordsResponse, error) {
	ctx, ev := gather(ctx)
	store, err := s.recordStore(ctx)
	if err != nil {
		return nil, err
	}
	filter := record.Filter{Text: req.GetQuery()}
	switch req.GetState() {
	case pb.RecordState_RECORD_STATE_OPEN:
		filter.Finished = new(bool)
	case pb.RecordState_RECORD_STATE_FINISHED:
		finished := true
		filter.Finished = &finished
	}
	page, next, err := store.List(ctx, filter, cmp.Or(int(req.GetPageSize()), defaultPage), req.GetPageToken())
	if err != nil {
		return nil, recordError(err)
	}
	answer := &pb.ListRecordsResponse{NextPageToken: next}
	for _, summary := range page {
		answer.Records = append(answer.Records, s.summaryMessage(summary))
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// UpdateRecord implements SpeechService.
func (s *Speech) UpdateRecord(ctx context.Context, req *pb.UpdateRecordRequest) (*pb.UpdateRecordResponse, error) {
	ctx, ev := gather(ctx)
	if req.Case == nil && req.AgendaItem == nil {
		return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "neither a case nor an item of the agenda is given: there is nothing to change",
			rpcerror.Field("case", "neither this nor agenda_item is given"))
	}
	by := record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()}
	answer := &pb.UpdateRecordResponse{}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		if c := req.GetCase(); c != nil {
			if _, err := r.SetCase(ctx, caseOf(c), req.GetBaseCaseRevision(), by); err != nil {
				return err
			}
		}
		if req.AgendaItem != nil {
			at := s.heardUpTo(r)
			if req.AgendaStartSeconds != nil {
				at = req.GetAgendaStartSeconds()
			}
			if _, err := r.SetAgenda(ctx, int(req.GetAgendaItem()), at, by); err != nil {
				return err
			}
		}
		answer.Record = s.recordMessage(r.Snapshot())
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// heardUpTo is how far a record's hearing has come, that of a stream that is being written into it included.
func (s *Speech) heardUpTo(r *record.Record) float64 {
	heard := heardSeconds(r.Snapshot())
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	if live := s.records.live[r.ID()]; live != nil {
		heard = max(heard, live.heard())
	}
	return heard
}

// heardSeconds is how much of a record's sound was heard, as far as the disk has it.
func heardSeconds(state record.State) float64 { return max(state.Sound.Seconds, state.Settled) }

// FinishRecord implements SpeechService.
func (s *Speech) FinishRecord(ctx context.Context, req *pb.FinishRecordRequest) (*pb.FinishRecordResponse, error) {
	ctx, ev := gather(ctx)
	answer := &pb.FinishRecordResponse{}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		if err := s.records.release(ctx, r.ID()); err != nil {
			return err
		}
		if _, err := r.Finish(ctx, record.Edit{Author: req.GetAuthor()}); err != nil {
			return err
		}
		answer.Record = s.recordMessage(r.Snapshot())
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// ReopenRecord implements SpeechService.
func (s *Speech) ReopenRecord(ctx context.Context, req *pb.ReopenRecordRequest) (*pb.ReopenRecordResponse, error) {
	ctx, ev := gather(ctx)
	answer := &pb.ReopenRecordResponse{}
	err := s.onRecord(ctx, req.GetName(), func(r *record.Record) error {
		if _, err := r.Reopen(ctx, record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()}); err != nil {
			return err
		}
		answer.Record = s.recordMessage(r.Snapshot())
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

func (s *Speech) isLive(id string) bool {
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	return s.records.live[id] != nil
}
