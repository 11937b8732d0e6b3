package service

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/speech/record"
)

// defaultTurns is how many turns an answer holds that was asked for no number.
const defaultTurns = 100

// ListTurns implements SpeechService.
func (s *Speech) ListTurns(ctx context.Context, req *pb.ListTurnsRequest) (*pb.ListTurnsResponse, error) {
	ctx, ev := gather(ctx)
	var state record.State
	if err := s.onRecord(ctx, req.GetRecord(), func(r *record.Record) error { state = r.Snapshot(); return nil }); err != nil {
		return nil, err
	}
	turns := state.Turns
	if token := req.GetPageToken(); token != "" {
		// By the turn that came last, not by a count: a turn that was inserted meanwhile moves nothing.
		last, err := strconv.ParseInt(token, 10, 64)
		i := slices.IndexFunc(turns, func(t record.Turn) bool { return t.ID == last })
		if err != nil || i < 0 {
			return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "page_token is none that an answer gave",
				rpcerror.Field("page_token", "none that an answer gave"))
		}
		turns = turns[i+1:]
	}
	size := cmp.Or(int(req.GetPageSize()), defaultTurns)
	answer, lastID := &pb.ListTurnsResponse{Revision: state.Revision}, int64(0)
	for _, t := range turns {
		if t.Withdrawn && !req.GetWithdrawn() {
			continue
		}
		if len(answer.Turns) == size {
			answer.NextPageToken = strconv.FormatInt(lastID, 10)
			break
		}
		answer.Turns = append(answer.Turns, turnMessage(state.ID, t, req.GetWords(), req.GetRevisions()))
		lastID = t.ID
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// changeTurn changes a turn of a record, and answers what it is then.
func (s *Speech) changeTurn(ctx context.Context, name string, change func(r *record.Record, turn int64) (record.Turn, error)) (*pb.RecordTurn, error) {
	id, err := turnID(name)
	if err != nil {
		return nil, err
	}
	var turn *pb.RecordTurn
	err = s.onRecord(ctx, name, func(r *record.Record) error {
		t, err := change(r, id)
		if err == nil {
			turn = turnMessage(r.ID(), t, false, true)
		}
		return err
	})
	return turn, err
}

// CorrectTurn implements SpeechService.
func (s *Speech) CorrectTurn(ctx context.Context, req *pb.CorrectTurnRequest) (*pb.CorrectTurnResponse, error) {
	ctx, ev := gather(ctx)
	c := record.Correction{
		Base: req.GetBaseRevision(), Text: req.Text, Speaker: req.Speaker, Edit: record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()},
	}
	if req.Role != nil {
		role := roleOf(req.GetRole())
		c.Role = &role
	}
	turn, err := s.changeTurn(ctx, req.GetName(), func(r *record.Record, turn int64) (record.Turn, error) { return r.Correct(ctx, turn, c) })
	if err != nil {
		return nil, err
	}
	return &pb.CorrectTurnResponse{Turn: turn, Provenance: ev.provenance()}, nil
}

// InsertTurn implements SpeechService.
func (s *Speech) InsertTurn(ctx context.Context, req *pb.InsertTurnRequest) (*pb.InsertTurnResponse, error) {
	ctx, ev := gather(ctx)
	if after := req.GetAfterTurn(); after != "" && recordID(after) != recordID(req.GetRecord()) {
		return nil, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "after_turn "+after+" is of another record",
			rpcerror.Field("after_turn", "of another record"))
	}
	after, err := turnID(req.GetAfterTurn())
	if err != nil {
		return nil, err
	}
	var turn *pb.RecordTurn
	err = s.onRecord(ctx, req.GetRecord(), func(r *record.Record) error {
		t, err := r.Insert(ctx, after, record.Turn{Text: req.GetText(), Role: roleOf(req.GetRole()), Speaker: req.GetSpeaker()},
			record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()})
		if err == nil {
			turn = turnMessage(r.ID(), t, false, true)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &pb.InsertTurnResponse{Turn: turn, Provenance: ev.provenance()}, nil
}

// WithdrawTurn implements SpeechService.
func (s *Speech) WithdrawTurn(ctx context.Context, req *pb.WithdrawTurnRequest) (*pb.WithdrawTurnResponse, error) {
	ctx, ev := gather(ctx)
	turn, err := s.changeTurn(ctx, req.GetName(), func(r *record.Record, turn int64) (record.Turn, error) {
		return r.Withdraw(ctx, turn, req.GetBaseRevision(), record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()})
	})
	if err != nil {
		return nil, err
	}
	return &pb.WithdrawTurnResponse{Turn: turn, Provenance: ev.provenance()}, nil
}

// RestoreTurn implements SpeechService.
func (s *Speech) RestoreTurn(ctx context.Context, req *pb.RestoreTurnRequest) (*pb.RestoreTurnResponse, error) {
	ctx, ev := gather(ctx)
	turn, err := s.changeTurn(ctx, req.GetName(), func(r *record.Record, turn int64) (record.Turn, error) {
		return r.Restore(ctx, turn, req.GetBaseRevision(), record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()})
	})
	if err != nil {
		return nil, err
	}
	return &pb.RestoreTurnResponse{Turn: turn, Provenance: ev.provenance()}, nil
}

// AssignRole implements SpeechService.
func (s *Speech) AssignRole(ctx context.Context, req *pb.AssignRoleRequest) (*pb.AssignRoleResponse, error) {
	ctx, ev := gather(ctx)
	seat := record.Seat{Speaker: req.GetSpeaker(), Channel: -1, Role: roleOf(req.GetRole())}
	if c, ok := req.GetSeat().(*pb.AssignRoleRequest_Channel); ok {
		seat.Channel = int(c.Channel)
	}
	answer := &pb.AssignRoleResponse{}
	err := s.onRecord(ctx, req.GetRecord(), func(r *record.Record) error {
		c, err := r.AssignRole(ctx, seat, record.Edit{Author: req.GetAuthor(), Reason: req.GetReason()})
		if err != nil {
			return err
		}
		answer.Record, answer.TurnCount = s.recordMessage(r.Snapshot()), int32(len(c.Turns))
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}
