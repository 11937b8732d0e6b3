package service

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

const defaultPageSize = 100

// ModelAdmin is what ModelService needs of the engine; [pipeline.Engine] is one.
type ModelAdmin interface {
	Load(ctx context.Context, id string) error
	Unload(ctx context.Context, id string) error
	Status() []pipeline.ModelStatus
}

// Model implements ModelService.
type Model struct {
	pb.UnimplementedModelServiceServer
	store  *models.Store
	engine ModelAdmin // nil when there is no runtime
	absent error      // why there is none
}

// NewModel returns the service; engine may be nil, and absent then says why.
func NewModel(store *models.Store, engine ModelAdmin, absent error) *Model {
	return &Model{store: store, engine: engine, absent: absent}
}

// ListModels implements ModelService.
func (s *Model) ListModels(ctx context.Context, req *pb.ListModelsRequest) (*pb.ListModelsResponse, error) {
	_, ev := gather(ctx)
	var all []*pb.Model
	for _, m := range s.messages() {
		if req.GetTask() != "" && m.Task != req.GetTask() || len(req.GetStates()) > 0 && !slices.Contains(req.GetStates(), m.State) {
			continue
		}
		all = append(all, m)
	}
	from, err := parsePageToken(req.GetPageToken(), len(all))
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	to := min(from+size, len(all))
	answer := &pb.ListModelsResponse{Models: all[from:to]}
	if to < len(all) {
		answer.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// parsePageToken returns the position that a token of ours names.
func parsePageToken(token string, count int) (int, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		if n, err := strconv.Atoi(string(text)); err == nil && n >= 0 && n <= count {
			return n, nil
		}
	}
	return 0, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "page_token is none that this server gave out for this list",
		rpcerror.Field("page_token", "unknown"))
}

// GetModel implements ModelService.
func (s *Model) GetModel(ctx context.Context, req *pb.GetModelRequest) (*pb.GetModelResponse, error) {
	_, ev := gather(ctx)
	m, err := s.message(req.GetName())
	if err != nil {
		return nil, err
	}
	return &pb.GetModelResponse{Model: m, Provenance: ev.provenance()}, nil
}

// LoadModel implements ModelService.
func (s *Model) LoadModel(ctx context.Context, req *pb.LoadModelRequest) (*pb.LoadModelResponse, error) {
	ctx, ev := gather(ctx)
	id, err := s.known(req.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.engine.Load(ctx, id); err != nil {
		return nil, loadError(id, err)
	}
	m, err := s.message(req.GetName())
	if err != nil {
		return nil, err
	}
	return &pb.LoadModelResponse{Model: m, Provenance: ev.provenance()}, nil
}

// UnloadModel implements ModelService.
func (s *Model) UnloadModel(ctx context.Context, req *pb.UnloadModelRequest) (*pb.UnloadModelResponse, error) {
	ctx, ev := gather(ctx)
	id, err := s.known(req.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.engine.Unload(ctx, id); err != nil {
		if errors.Is(err, pipeline.ErrNotLoaded) {
			return nil, rpcerror.New(codes.FailedPrecondition, "MODEL_NOT_LOADED", fmt.Sprintf("model %s is not loaded", id), rpcerror.Meta("model", id))
		}
		return nil, err
	}
	m, err := s.message(req.GetName())
	if err != nil {
		return nil, err
	}
	return &pb.UnloadModelResponse{Model: m, Provenance: ev.provenance()}, nil
}

// known returns the id in a resource name of a model that the engine can run.
func (s *Model) known(name string) (string, error) {
	id := strings.TrimPrefix(name, "models/")
	if _, err := s.store.Catalog().Entry(id); err != nil {
		return "", notFound(name)
	}
	if s.engine == nil {
		return "", rpcerror.New(codes.FailedPrecondition, "RUNTIME_UNAVAILABLE", fmt.Sprintf("no inference runtime: %v; see 'courtsense doctor' on the server", s.absent))
	}
	return id, nil
}

func notFound(name string) error {
	return rpcerror.New(codes.NotFound, "MODEL_UNKNOWN", fmt.Sprintf("the catalogue has no %s", name),
		rpcerror.Meta("name", name), rpcerror.Field("name", "unknown"))
}

// loadError tells an administrator what to do about a load that failed.
func loadError(id string, err error) error {
	var mismatch *models.MismatchError
	switch {
	case errors.As(err, &mismatch):
		return rpcerror.New(codes.DataLoss, "MODEL_DAMAGED", mismatch.Error(), rpcerror.Meta("model", id))
	case errors.Is(err, models.ErrUnavailable):
		return rpcerror.New(codes.FailedPrecondition, "MODEL_UNAVAILABLE", err.Error(), rpcerror.Meta("model", id))
	case pipeline.ReasonOf(err) == pipeline.Backend, pipeline.ReasonOf(err) == pipeline.Invalid:
		// The caller is an administrator and the text is the runtime's, not an input's.
		return rpcerror.New(codes.FailedPrecondition, "MODEL_UNUSABLE", err.Error(), rpcerror.Meta("model", id))
	}
	return err
}

func (s *Model) message(name string) (*pb.Model, error) {
	for _, m := range s.messages() {
		if m.Name == name {
			return m, nil
		}
	}
	return nil, notFound(name)
}

// messages describes every model: what the store has of it and what the engine does with it.
func (s *Model) messages() []*pb.Model {
	running := map[string]pipeline.ModelStatus{}
	if s.engine != nil {
		for _, st := range s.engine.Status() {
			running[st.ID] = st
		}
	}
	list := s.store.List()
	out := make([]*pb.Model, 0, len(list))
	for _, st := range list {
		m := modelMessage(st)
		if r, ok := running[st.Entry.ID]; ok {
			addRunning(m, r)
		}
		out = append(out, m)
	}
	return out
}

func modelMessage(st models.Status) *pb.Model {
	e := st.Entry
	m := &pb.Model{
		Name: modelName(e.ID), DisplayName: e.Title, Version: e.Version, Task: e.Task, Family: e.Family, License: e.License,
		Source: modelSource(st.Source), Active: st.Active, Reason: st.Reason, TrainingData: e.TrainingData,
		State: pb.ModelState_MODEL_STATE_UNAVAILABLE,
	}
	if st.Available {
		m.State = pb.ModelState_MODEL_STATE_UNLOADED
	}
	if st.Err != nil {
		m.Error = st.Err.Error()
	}
	for _, f := range e.Files {
		m.Files = append(m.Files, &pb.ModelFile{Role: f.Role, Sha256: f.SHA256, SizeBytes: f.Size})
	}
	for _, t := range e.Thresholds {
		m.Thresholds = append(m.Thresholds, &pb.ModelThreshold{Name: t.Name, Value: t.Value, Unit: t.Unit, MeasuredOn: t.Measured})
	}
	return m
}

func addRunning(m *pb.Model, r pipeline.ModelStatus) {
	switch r.State {
	case pipeline.Loading:
		m.State = pb.ModelState_MODEL_STATE_LOADING
	case pipeline.Warming:
		m.State = pb.ModelState_MODEL_STATE_WARMING
	case pipeline.Ready:
		m.State = pb.ModelState_MODEL_STATE_READY
	case pipeline.Unloading:
		m.State = pb.ModelState_MODEL_STATE_UNLOADING
	case pipeline.Failed:
		m.State = pb.ModelState_MODEL_STATE_FAILED
	case pipeline.Unloaded:
	}
	m.StateTime = timestamppb.New(r.Since)
	m.Device, m.FallbackReason, m.MemoryBytes = r.Placement.Device, r.Placement.Fallback, r.Placement.Bytes
	m.InFlight, m.QueueLength = int64(r.Load.Running), int64(r.Load.Queued)
	if r.Err != nil {
		m.Error = r.Err.Error()
	}
}
