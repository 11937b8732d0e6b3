package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// evidence gathers what a call's provenance will say: inputs, models, settings and stages. It is safe for concurrent use.
type evidence struct {
	requestID string
	began     time.Time
	timings   *telemetry.Timings

	mu      sync.Mutex
	inputs  map[string]string
	models  []*pb.ModelUse
	set     map[string]string
	purpose string
	consent string
}

type evidenceKey struct{}

// gather starts a call's evidence; executors bound by [bindings] find it in the context.
func gather(ctx context.Context) (context.Context, *evidence) {
	ctx, timings := telemetry.WithTimings(ctx)
	e := &evidence{
		requestID: telemetry.RequestID(ctx), began: time.Now(), timings: timings,
		inputs: map[string]string{}, set: map[string]string{},
	}
	return context.WithValue(ctx, evidenceKey{}, e), e
}

func evidenceOf(ctx context.Context) *evidence {
	e, _ := ctx.Value(evidenceKey{}).(*evidence)
	return e
}

// input records an input by the request's field.
func (e *evidence) input(field string, content []byte) {
	sum := sha256.Sum256(content)
	e.inputDigest(field, hex.EncodeToString(sum[:]))
}

func (e *evidence) inputDigest(field, digest string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inputs[field] = digest
}

// inherit takes over what is known of the whole call, for the evidence of a part of it.
func (e *evidence) inherit(whole *evidence) {
	whole.mu.Lock()
	inputs, set := maps.Clone(whole.inputs), maps.Clone(whole.set)
	whole.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inputs, e.set = inputs, set
}

// setting records a setting that could have changed the result.
func (e *evidence) setting(key, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.set[key] = value
}

// why records what a face call was made for.
func (e *evidence) why(purpose, consent string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.purpose, e.consent = purpose, consent
}

// used records a model, once.
func (e *evidence) used(m *pb.ModelUse) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, have := range e.models {
		if have.Name == m.Name && have.Sha256 == m.Sha256 && have.Device == m.Device {
			return
		}
	}
	e.models = append(e.models, m)
}

// provenance is the evidence so far.
func (e *evidence) provenance() *pb.Provenance {
	p := &pb.Provenance{
		RequestId:     e.requestID,
		ServerVersion: version.String(),
		TotalTime:     durationpb.New(time.Since(e.began)),
		AnswerTime:    timestamppb.Now(),
	}
	for _, t := range e.timings.List() {
		p.Timings = append(p.Timings, &pb.StageTiming{Stage: t.Stage, Duration: durationpb.New(t.Duration)})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.InputSha256 = maps.Clone(e.inputs)
	p.Configuration = maps.Clone(e.set)
	p.Models = append(p.Models, e.models...)
	p.Purpose, p.ConsentId = e.purpose, e.consent
	return p
}

// ModelUse names a model in provenance.
func ModelUse(id pipeline.Identity, task string) *pb.ModelUse {
	return &pb.ModelUse{
		Name: modelName(id.ID), Version: id.Version, Sha256: id.SHA256, Device: id.Device,
		Source: modelSource(models.Source(id.Source)), Task: task,
	}
}

func modelName(id string) string { return "models/" + id }

func modelSource(s models.Source) pb.ModelSource {
	switch s {
	case models.SourceDisk:
		return pb.ModelSource_MODEL_SOURCE_DISK
	case models.SourceEmbedded:
		return pb.ModelSource_MODEL_SOURCE_EMBEDDED
	case models.SourceSystem:
		return pb.ModelSource_MODEL_SOURCE_SYSTEM
	case models.SourceRemote:
		return pb.ModelSource_MODEL_SOURCE_REMOTE
	}
	return pb.ModelSource_MODEL_SOURCE_UNSPECIFIED
}
