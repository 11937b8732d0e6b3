package service

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Models is what services need of the engine; [pipeline.Engine] is one.
type Models interface {
	Model(id string) (*pipeline.Model, error)
}

// bindings holds a domain object (a detector, say) per loaded model, and makes it anew when the model was replaced by
// another version, whose thresholds and shapes may differ.
type bindings[T any] struct {
	engine  Models
	task    string
	active  string // id of the model that serves requests that name none; "" when there is none
	missing error  // why there is none
	bind    func(pipeline.Executor, models.Entry) (T, error)

	mu    sync.Mutex
	bound map[string]binding[T]
}

type binding[T any] struct {
	identity pipeline.Identity
	value    T
	fixed    *pipeline.Model // runs that version and no other; nil of objects that are not for streams
}

// hold is get for a call that hears a stream, whose states belong to the version that it began with: that version stays until
// ctx ends, though another may serve new calls by then. A version that is unloaded is gone at once.
func (b *bindings[T]) hold(ctx context.Context, id string) (T, error) {
	for {
		have, err := b.find(id, true)
		if err != nil {
			return have.value, err
		}
		if release, ok := have.fixed.Hold(); ok {
			context.AfterFunc(ctx, release)
			return have.value, nil
		}
	}
}

// get returns the object for a model id, "" for the active one.
func (b *bindings[T]) get(id string) (T, error) {
	have, err := b.find(id, false)
	return have.value, err
}

func (b *bindings[T]) find(id string, stream bool) (binding[T], error) {
	var none binding[T]
	if id == "" {
		if id = b.active; id == "" {
			return none, b.unavailable(b.missing)
		}
	}
	m, err := b.engine.Model(id)
	if errors.Is(err, pipeline.ErrNotLoaded) {
		return none, rpcerror.New(codes.FailedPrecondition, "MODEL_NOT_LOADED",
			fmt.Sprintf("model %s is not loaded: load it with ModelService.LoadModel or list it in models.preload", id),
			rpcerror.Meta("model", id), rpcerror.Meta("task", b.task))
	}
	if err != nil {
		return none, err
	}
	var fixed *pipeline.Model
	if stream {
		if fixed = m.Fix(); fixed == nil {
			return b.find(id, stream) // it was unloaded just now
		}
		release, ok := fixed.Hold()
		if !ok {
			return b.find(id, stream)
		}
		defer release()
		m = fixed
	}
	entry, identity := m.Entry(), m.Identity()
	if entry.Task != b.task {
		return none, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue,
			fmt.Sprintf("model %s is made for %s, not for %s", id, entry.Task, b.task), rpcerror.Field("model", "a model of another task"))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if have, ok := b.bound[id]; ok && have.identity == identity && (have.fixed == nil) != stream && (!stream || have.fixed.Same(fixed)) {
		return have, nil
	}
	value, err := b.bind(recording{m, b.task}, entry)
	if err != nil {
		return none, &pipeline.Failure{Reason: pipeline.Backend, Model: id, Err: err}
	}
	if b.bound == nil {
		b.bound = map[string]binding[T]{}
	}
	b.bound[id] = binding[T]{identity, value, fixed}
	return b.bound[id], nil
}

func (b *bindings[T]) unavailable(why error) error {
	text := fmt.Sprintf("no model for %s is available: run 'courtsense models pull' on the server, or see 'courtsense doctor' there", b.task)
	if why != nil {
		text += " (" + why.Error() + ")"
	}
	return rpcerror.New(codes.FailedPrecondition, "MODEL_UNAVAILABLE", text, rpcerror.Meta("task", b.task))
}

// recording notes in the call's evidence which version of a model really ran: after a hot swap that need not be the one
// that serves when the answer is written.
type recording struct {
	*pipeline.Model
	task string
}

// Run implements [pipeline.Executor].
func (r recording) Run(ctx context.Context, inputs pipeline.Tensors) (pipeline.Tensors, error) {
	out, id, err := r.RunIdentified(ctx, inputs)
	if err == nil {
		evidenceOf(ctx).used(ModelUse(id, r.task))
	}
	return out, err
}

// NoModels stands for the engine where there is no inference runtime: nothing is loaded.
type NoModels struct{}

// Model implements [Models].
func (NoModels) Model(string) (*pipeline.Model, error) { return nil, pipeline.ErrNotLoaded }
