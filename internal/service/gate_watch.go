package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/gates"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/gate/journal"
	"github.com/courtsense/courtsense/vision/liveness"
)

const (
	gateEventPrefix = "gateEvents/"
	visitPrefix     = "visits/"
	// heartbeatEvery is the contract's.
	heartbeatEvery = 30 * time.Second
)

// gates are the server's gates, or why there are none.
func (s *Face) gates() (*gates.Gates, error) {
	if s.cfg.Gates == nil {
		return nil, rpcerror.New(codes.FailedPrecondition, "GATES_UNCONFIGURED",
			"this server has no gates: they need a key (galleries.key_file or COURTSENSE_GALLERY_KEY), since who came when is only kept encrypted")
	}
	return s.cfg.Gates, nil
}

// Watch implements FaceService.
func (s *Face) Watch(req *pb.WatchRequest, stream grpc.ServerStreamingServer[pb.WatchResponse]) error {
	running, err := s.gates()
	if err != nil {
		return err
	}
	ctx, ev := gather(stream.Context())
	ev.why(req.GetPurpose(), req.GetConsentId())
	after := int64(gates.OnlyNew)
	if name := req.GetAfterEvent(); name != "" {
		if after, err = eventNumber(name); err != nil {
			return err
		}
	}
	var sending sync.Mutex // a gRPC stream takes one sender at a time
	send := func(m *pb.WatchResponse) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(m)
	}
	// Nothing is lost by ending: the client follows again, here or elsewhere, from its last event on.
	following, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := noticeDraining(ctx, s.cfg.Drain, func(n *pb.DrainingNotice) error {
		defer end(gates.ErrClosed)
		return send(&pb.WatchResponse{StreamingResponse: &pb.WatchResponse_Draining{Draining: n}})
	})
	defer stop()
	err = running.Follow(following, after, heartbeatEvery, func(i *gates.Item) error {
		switch {
		case i == nil:
			return send(&pb.WatchResponse{StreamingResponse: &pb.WatchResponse_Heartbeat{Heartbeat: &pb.GateHeartbeat{HeartbeatTime: timestamppb.Now()}}})
		case !wanted(req, i.Event):
			return nil
		}
		m := gateEventMessage(i.Record)
		if req.GetCrops() {
			m.CropJpeg = i.Crop
		}
		return send(&pb.WatchResponse{StreamingResponse: &pb.WatchResponse_Event{Event: m}, Provenance: eventProvenance(ev, i.Event)})
	})
	switch {
	case errors.Is(context.Cause(following), gates.ErrClosed):
		return nil
	case errors.Is(err, gates.ErrBehind):
		return rpcerror.New(codes.Aborted, rpcerror.ReasonSlowClient, "the events were not read as fast as they came; follow again with after_event set to the last one")
	case errors.Is(err, gates.ErrClosed):
		return rpcerror.New(codes.Unavailable, rpcerror.ReasonDraining, "the server is shutting down", rpcerror.Retry(time.Second))
	}
	return journalError(err)
}

func eventNumber(name string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(name, gateEventPrefix), 10, 64)
	if err != nil || n < 0 || !strings.HasPrefix(name, gateEventPrefix) {
		return 0, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "after_event: an event's name is gateEvents/ and a number",
			rpcerror.Meta("field", "after_event"), rpcerror.Field("after_event", "no event's name"))
	}
	return n, nil
}

func wanted(req *pb.WatchRequest, e gate.Event) bool {
	return (len(req.GetCameras()) == 0 || slices.Contains(req.GetCameras(), e.Camera)) &&
		(len(req.GetZones()) == 0 || slices.Contains(req.GetZones(), e.Zone)) &&
		(len(req.GetTypes()) == 0 || slices.Contains(req.GetTypes(), pb.GateEventType(e.Type)))
}

func gateEventMessage(r journal.Record) *pb.GateEvent {
	m := &pb.GateEvent{
		Name: gateEventName(r.Seq), Type: pb.GateEventType(r.Type), Camera: r.Camera, Zone: r.Zone,
		StartTime: timestamppb.New(r.Start), EventTime: timestamppb.New(r.Time), Person: r.Person.Name(), Rule: r.Rule,
		Frames: int32(r.Frames), Reason: r.Reason, Confidence: float32(r.Confidence), Alarm: r.Alarm,
	}
	if b := r.Box; b.W > 0 {
		m.Box = &pb.Box{X: b.X, Y: b.Y, Width: b.W, Height: b.H}
	}
	if s := r.Similarity; s != nil {
		m.Similarity = &pb.Similarity{
			Cosine: &s.Cosine, RequestedFalseMatchRate: s.FMR, Threshold: s.Threshold, Verdict: pb.MatchVerdict_MATCH_VERDICT_NO_MATCH,
			FalseMatchRate: &pb.MeasuredRate{Rate: s.Rate.Rate, Lower: s.Rate.Lower, Upper: s.Rate.Upper, MeasuredOn: s.MeasuredOn},
		}
		if r.Person.ID != "" {
			m.Similarity.Verdict = pb.MatchVerdict_MATCH_VERDICT_MATCH
		}
	}
	if l := r.Liveness; l != nil {
		m.Liveness = livenessMessage(*l)
	}
	return m
}

func livenessMessage(r liveness.Result) *pb.Liveness {
	return &pb.Liveness{Verdict: pb.LivenessVerdict(r.Verdict), Score: r.Score, Threshold: r.Threshold, Frames: int32(r.Frames), Reason: r.Reason}
}

func gateEventName(seq int64) string { return gateEventPrefix + strconv.FormatInt(seq, 10) }

// eventProvenance is the call's, with what the event came from.
func eventProvenance(ev *evidence, e gate.Event) *pb.Provenance {
	p := ev.provenance()
	p.Models = nil
	for _, m := range e.Models {
		p.Models = append(p.Models, ModelUse(pipeline.Identity{ID: m.ID, Version: m.Version, SHA256: m.SHA256, Device: m.Device, Source: m.Source}, m.Task))
	}
	p.Configuration = map[string]string{"quorum": strconv.FormatFloat(gate.Quorum, 'f', -1, 64)}
	if s := e.Similarity; s != nil {
		p.Configuration["false_match_rate"] = strconv.FormatFloat(s.FMR, 'g', 4, 64)
		p.Configuration["threshold"] = strconv.FormatFloat(float64(s.Threshold), 'f', 4, 32)
		p.Configuration["calibration"] = s.MeasuredOn
	}
	return p
}

// GateEventJSON writes an event as the JSON form of the contract does, without its crop, for the webhook.
func GateEventJSON(r journal.Record) ([]byte, error) {
	b, err := protojson.Marshal(gateEventMessage(r))
	if err != nil {
		return nil, fmt.Errorf("gate event: %w", err)
	}
	return b, nil
}

// journalErrors are what a journal's errors mean to a client. The log has the causes of those with a text of their own.
var journalErrors = []struct {
	is     error
	code   codes.Code
	reason string
	text   string
}{
	{journal.ErrInvalid, codes.InvalidArgument, rpcerror.ReasonInvalidValue, ""},
	{journal.ErrFull, codes.ResourceExhausted, "STORAGE_FULL", "there is no room on the disk for the gates' journal; what was written is there"},
	{journal.ErrLocked, codes.Unavailable, "JOURNAL_LOCKED", "another process has the gates' journal open: ask its server (--server), or give each process its own gate.path"},
	{journal.ErrCorrupt, codes.DataLoss, "JOURNAL_DAMAGED", "the gates' journal is damaged: restore it from a backup, or put it away to begin anew"},
	{journal.ErrReadOnly, codes.FailedPrecondition, "JOURNAL_READ_ONLY", "the gates' journal (gate.path) and its folder must exist and be writable by the server"},
	{journal.ErrClosed, codes.Unavailable, rpcerror.ReasonDraining, "the gates' journal is being closed"},
	{gallery.ErrWrongKey, codes.FailedPrecondition, "JOURNAL_WRONG_KEY", "the gates' journal is encrypted with another key than the configured one"},
}

func journalError(err error) error {
	for _, known := range journalErrors {
		if errors.Is(err, known.is) {
			text := known.text
			if text == "" {
				text = err.Error()
			}
			return rpcerror.New(known.code, known.reason, text)
		}
	}
	return err
}

// openJournal opens the gates' journal, and says in the log why it can't.
func (s *Face) openJournal(ctx context.Context) (*journal.Journal, *gates.Gates, error) {
	running, err := s.gates()
	if err != nil {
		return nil, nil, err
	}
	j, err := running.Journal(ctx)
	return j, running, journalError(err)
}
