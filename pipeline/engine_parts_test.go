package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// partsStore has one model of three networks whose tensors its family has to fill in.
type partsStore struct{}

func (partsStore) Resolve(id string) (models.Artifact, error) {
	return models.Artifact{SHA256: "1", Source: models.SourceDisk, Entry: models.Entry{ID: id, Version: "1", Files: []models.File{
		{Role: models.RoleTokens}, {Role: models.RoleJoiner}, {Role: models.RoleEncoder}, {Role: models.RoleDecoder},
	}}}, nil
}

// partsRuntime opens a fake for each network; dependent ones quantise over the batch.
type partsRuntime struct {
	dependent bool
	broken    string // role that can't be opened
	opened    map[string]*fakeExecutor
}

func (r *partsRuntime) Open(_ context.Context, _ models.Artifact, o pipeline.Options) (pipeline.Executor, error) {
	if o.Role == r.broken {
		return nil, errors.New("no such operator")
	}
	x := &fakeExecutor{}
	r.opened[o.Role] = x
	return describedFake{x, pipeline.Description{Metadata: map[string]string{"role": o.Role}, BatchDependent: r.dependent}}, nil
}

type describedFake struct {
	*fakeExecutor
	d pipeline.Description
}

func (f describedFake) Describe() pipeline.Description { return f.d }

// completeFake gives every network the fake's tensors.
func completeFake(e models.Entry, role string, sig pipeline.Signature, d pipeline.Description) (models.Entry, error) {
	if d.Metadata["role"] != role {
		return e, errors.New("another network's metadata")
	}
	for _, in := range sig.Inputs {
		e.Inputs = append(e.Inputs, models.TensorSpec{Name: in.Name, Shape: in.Shape, BatchAxis: fakeAxes[in.Name], Example: map[string][]int64{"x": {1, 4}}[in.Name]})
	}
	for _, out := range sig.Outputs {
		e.Outputs = append(e.Outputs, models.TensorSpec{Name: out.Name, Shape: out.Shape, BatchAxis: fakeAxes[out.Name]})
	}
	e.Title, e.Batch = role, models.BatchSpec{Max: 8, Dynamic: true}
	return e, nil
}

func TestAModelOfSeveralNetworks(t *testing.T) {
	r := &partsRuntime{opened: map[string]*fakeExecutor{}}
	e, err := pipeline.NewEngine(pipeline.EngineConfig{Store: partsStore{}, Backend: r, Complete: completeFake})
	require.NoError(t, err)
	require.NoError(t, e.Load(background, "speech"))
	require.Len(t, r.opened, 3)
	m, err := e.Model("speech")
	require.NoError(t, err)
	require.Equal(t, models.RoleEncoder, m.Entry().Title, "the encoder is the main one")
	for _, role := range []string{models.RoleEncoder, models.RoleDecoder, models.RoleJoiner} {
		part := m.Part(role)
		require.Equal(t, role, part.Entry().Title)
		require.Equal(t, role, part.Describe().Metadata["role"])
		require.Equal(t, fakeSignature, part.Signature())
		require.Equal(t, "speech", part.Identity().ID)
		in := fakeInput(1, 3, 4, 2)
		out, err := part.Run(background, in)
		require.NoError(t, err)
		require.Equal(t, fakeOutput(in), out)
		require.Equal(t, []int{1, 8, 3}, r.opened[role].Runs(), "warmed up alone and in a batch, then asked")
	}
	none := m.Part(models.RoleKeys)
	require.Empty(t, none.Signature())
	_, err = none.Run(background, fakeInput(1, 1, 4, 2))
	require.ErrorContains(t, err, `no network in the role "keys"`)
	require.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	require.NoError(t, e.Close())
	for role, x := range r.opened {
		require.Equal(t, 1, x.closed, role)
	}
}

func TestANetworkThatCannotBeOpenedClosesTheOthers(t *testing.T) {
	r := &partsRuntime{opened: map[string]*fakeExecutor{}, broken: models.RoleJoiner}
	e, err := pipeline.NewEngine(pipeline.EngineConfig{Store: partsStore{}, Backend: r, Complete: completeFake})
	require.NoError(t, err)
	require.ErrorContains(t, e.Load(background, "speech"), "no such operator")
	require.Len(t, r.opened, 2)
	for role, x := range r.opened {
		require.Equal(t, 1, x.closed, role)
	}
	require.NoError(t, e.Close())
}

// What quantises by the range of the whole batch would hand each caller a result that its neighbours had a part in.
func TestBatchDependentModelsAreNotJoined(t *testing.T) {
	r := &partsRuntime{opened: map[string]*fakeExecutor{}, dependent: true}
	e, err := pipeline.NewEngine(pipeline.EngineConfig{Store: partsStore{}, Backend: r, Complete: completeFake})
	require.NoError(t, err)
	require.NoError(t, e.Load(background, "speech"))
	m, err := e.Model("speech")
	require.NoError(t, err)
	in := fakeInput(1, 3, 4, 2)
	out, err := m.Run(background, in)
	require.NoError(t, err)
	require.Equal(t, fakeOutput(in), out)
	require.Equal(t, []int{1, 3}, r.opened[models.RoleEncoder].Runs(), "warmed up alone; a caller's own rows stay together")
	require.NoError(t, e.Close())
}
