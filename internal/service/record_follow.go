package service

import (
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/speech/record"
)

// FollowRecord implements SpeechService.
func (s *Speech) FollowRecord(req *pb.FollowRecordRequest, stream grpc.ServerStreamingServer[pb.FollowRecordResponse]) error {
	ctx, ev := gather(stream.Context())
	store, err := s.recordStore(ctx)
	if err != nil {
		return err
	}
	r, err := openRecord(ctx, store, recordID(req.GetName()))
	if err != nil {
		return err
	}
	defer r.Close()
	state := r.Snapshot()
	after := state.Revision
	if req.AfterRevision != nil {
		after = req.GetAfterRevision()
	}
	changes, err := r.Subscribe(ctx, after)
	if err != nil {
		return recordError(err)
	}
	var sending sync.Mutex // a gRPC stream takes one sender at a time
	send := func(m *pb.FollowRecordResponse) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(m)
	}
	if err := send(&pb.FollowRecordResponse{StreamingResponse: &pb.FollowRecordResponse_Record{Record: s.recordMessage(state)}, Provenance: ev.provenance()}); err != nil {
		return err
	}
	// Nothing is lost by ending: the client follows again, from its last revision on.
	draining := make(chan struct{})
	stop := noticeDraining(ctx, s.cfg.Drain, func(n *pb.DrainingNotice) error {
		defer close(draining)
		return send(&pb.FollowRecordResponse{StreamingResponse: &pb.FollowRecordResponse_Draining{Draining: n}})
	})
	defer stop()
	var interims <-chan *pb.SpeechSegment
	if req.GetInterimResults() {
		var leave func()
		interims, leave = s.records.overhear(r.ID())
		defer leave()
	}
	heartbeat := time.NewTicker(heartbeatEvery)
	defer heartbeat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-draining:
			return nil
		case c, ok := <-changes:
			if !ok {
				return errors.Join(ctx.Err(), rpcerror.New(codes.Unavailable, rpcerror.ReasonDraining, "the records are being closed", rpcerror.Retry(time.Second)))
			}
			for _, m := range s.changeMessages(r, c) {
				if err = send(&pb.FollowRecordResponse{StreamingResponse: &pb.FollowRecordResponse_Change{Change: m}, Provenance: ev.provenance()}); err != nil {
					break
				}
			}
		case segment := <-interims:
			err = send(&pb.FollowRecordResponse{StreamingResponse: &pb.FollowRecordResponse_Interim{Interim: segment}})
		case <-heartbeat.C:
			err = send(&pb.FollowRecordResponse{StreamingResponse: &pb.FollowRecordResponse_Heartbeat{Heartbeat: &pb.RecordHeartbeat{HeartbeatTime: timestamppb.Now()}}})
		}
		if err != nil {
			return err
		}
	}
}

// changeSize bounds the turns of one message, in bytes: clients take 4 MB unless they are told otherwise.
const changeSize = 1 << 20

// changeMessages are a change with the turns that it concerns, in as many messages as these need.
func (s *Speech) changeMessages(r *record.Record, c record.Change) []*pb.RecordChange {
	last := &pb.RecordChange{Revision: revisionMessage(c.Revision)}
	out, size := []*pb.RecordChange{last}, 0
	for _, t := range c.Turns {
		m := turnMessage(r.ID(), t, false, true)
		n := proto.Size(m)
		if len(last.Turns) > 0 && size+n > changeSize {
			last.MoreTurns, size = true, 0
			last = &pb.RecordChange{Revision: last.Revision}
			out = append(out, last)
		}
		last.Turns, size = append(last.Turns, m), size+n
	}
	if a := c.Revision.Act; a != record.Heard && a != record.Corrected && a != record.Inserted && a != record.Withdrawn && a != record.Restored {
		last.Record = s.recordMessage(r.Snapshot())
	}
	return out
}

// overhear gives the interim results of what is being heard into a record. Who reads slowly misses some.
func (rs *records) overhear(id string) (<-chan *pb.SpeechSegment, func()) {
	c := make(chan *pb.SpeechSegment, 1)
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.listeners == nil {
		rs.listeners = map[string]map[chan *pb.SpeechSegment]bool{}
	}
	if rs.listeners[id] == nil {
		rs.listeners[id] = map[chan *pb.SpeechSegment]bool{}
	}
	rs.listeners[id][c] = true
	return c, func() {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		if delete(rs.listeners[id], c); len(rs.listeners[id]) == 0 {
			delete(rs.listeners, id)
		}
	}
}

// tell gives an interim result to who follows the record; an older one that was not read yet gives way. The segment must not be changed any more.
func (rs *records) tell(id string, segment *pb.SpeechSegment) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for c := range rs.listeners[id] {
		select {
		case <-c:
		default:
		}
		c <- segment // there is room: this goroutine alone, which holds the lock, sends
	}
}
