package acoustic

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Batches of networks that name no limit themselves.
const (
	joinedStreams = 16
	joinDelayMS   = 5
)

// Complete fills in the tensors of a speech recognition entry that leaves them to the model's file, for the network in a
// role: which inputs are states, where their next values come out, and along which axis streams can be joined. Streaming
// networks that sherpa-onnx publishes name an input S and its output new_S, and have one dynamic axis, the batch. Entries
// of other families and those that name their tensors are returned as they are.
func Complete(e models.Entry, role string, sig pipeline.Signature, d pipeline.Description) (models.Entry, error) {
	if e.Family != models.FamilyCTCStream && e.Family != models.FamilyTransducerStream || len(e.Inputs) > 0 {
		return e, nil
	}
	join := !d.BatchDependent && e.Batch.Max != 1
	batchAxis := func(info pipeline.TensorInfo) int {
		axis := slices.Index(info.Shape, -1)
		if axis < 0 || slices.Contains(info.Shape[axis+1:], -1) {
			return -1
		}
		return axis
	}
	spec := func(info pipeline.TensorInfo, axis int) models.TensorSpec {
		return models.TensorSpec{Name: info.Name, DType: info.DType.String(), Shape: slices.Clone(info.Shape), Scale: 1, BatchAxis: axis}
	}
	axes := map[string]int{} // of state outputs
	for _, info := range sig.Inputs {
		in := spec(info, batchAxis(info))
		if next, ok := nextState(sig, info.Name); ok {
			in.Next = next
			axes[next] = in.BatchAxis
		} else if rows, err := strconv.Atoi(d.Metadata[metaWindow]); err == nil && rows > 0 && len(info.Shape) == 3 && info.Shape[1] < 0 {
			// The axis of time is open in some exports, and yet only one length fits the states.
			in.Shape[1] = int64(rows)
			in.BatchAxis = slices.Index(in.Shape, -1)
		}
		join = join && in.BatchAxis >= 0
		e.Inputs = append(e.Inputs, in)
	}
	for _, info := range sig.Outputs {
		axis, isState := axes[info.Name]
		if !isState {
			axis = 0
		}
		join = join && axis >= 0 && axis < len(info.Shape)
		e.Outputs = append(e.Outputs, spec(info, axis))
	}
	if len(e.Inputs) == 0 || len(e.Outputs) == 0 {
		return e, fmt.Errorf("the %s has %d inputs and %d outputs", role, len(e.Inputs), len(e.Outputs))
	}
	if !join {
		e.Batch = models.BatchSpec{Max: 1}
		for _, list := range [][]models.TensorSpec{e.Inputs, e.Outputs} {
			for i := range list {
				list[i].BatchAxis = -1
			}
		}
		return e, nil
	}
	e.Batch.Dynamic = true
	if e.Batch.Max == 0 {
		e.Batch.Max, e.Batch.DelayMS = joinedStreams, joinDelayMS
	}
	return e, nil
}

// nextState returns the output that holds the next value of an input, by the names that exporters give them.
func nextState(sig pipeline.Signature, input string) (string, bool) {
	for _, name := range []string{"new_" + input, "next_" + input, input + "_out", input + "N"} {
		if slices.ContainsFunc(sig.Outputs, func(t pipeline.TensorInfo) bool { return t.Name == name }) {
			return name, true
		}
	}
	return "", false
}
