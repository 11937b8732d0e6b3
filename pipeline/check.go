package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/courtsense/courtsense/models"
)

// CheckEntry compares what a model says of its tensors with what the catalogue says, and reports every difference.
// The runtime itself accepts wrong names when a model is loaded and fails only when it is run. It returns the entry with
// the names filled in that the catalogue leaves to the model.
//
// Each input must be in both, each output of the entry must be in the model; types and ranks must agree, and so must
// dimensions that both fix. The catalogue may fix an input dimension that the model leaves open, never the reverse.
// An entry without inputs or outputs leaves that side to its decoding family.
func CheckEntry(sig Signature, e models.Entry) (models.Entry, error) {
	e, err := e.Bind(tensorNames(sig.Inputs), tensorNames(sig.Outputs))
	if err != nil {
		return models.Entry{}, err
	}
	var errs []error
	for _, in := range sig.Inputs {
		if _, ok := e.Input(in.Name); !ok && len(e.Inputs) > 0 {
			errs = append(errs, fmt.Errorf("the model's input %q is not in the catalogue entry", in.Name))
		}
	}
	for _, spec := range e.Inputs {
		errs = append(errs, checkSpec("input", spec, sig.Inputs, e.Batch.Max > 1))
	}
	for _, spec := range e.Outputs {
		errs = append(errs, checkSpec("output", spec, sig.Outputs, false))
	}
	for _, out := range sig.Outputs {
		// Rows can be handed back to their callers only along a known axis.
		if spec, ok := e.Output(out.Name); e.Batch.Max > 1 && (!ok || spec.BatchAxis < 0) {
			errs = append(errs, fmt.Errorf("output %q has no batch_axis in the catalogue, which has batch.max > 1", out.Name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return models.Entry{}, fmt.Errorf("catalogue entry %s does not fit its model: %w", e.ID, err)
	}
	return e, nil
}

func tensorNames(infos []TensorInfo) []string {
	names := make([]string, len(infos))
	for i, t := range infos {
		names[i] = t.Name
	}
	return names
}

func checkSpec(kind string, spec models.TensorSpec, infos []TensorInfo, batched bool) error {
	i := slices.IndexFunc(infos, func(t TensorInfo) bool { return t.Name == spec.Name })
	if i < 0 {
		return fmt.Errorf("%s %q is not in the model, which has %q", kind, spec.Name, tensorNames(infos))
	}
	info := infos[i]
	if spec.DType != "" && spec.DType != info.DType.String() {
		return fmt.Errorf("%s %q is %s in the catalogue and %v in the model", kind, spec.Name, spec.DType, info.DType)
	}
	if len(spec.Shape) != len(info.Shape) {
		return fmt.Errorf("%s %q has shape %v in the catalogue and %v in the model", kind, spec.Name, spec.Shape, info.Shape)
	}
	for axis, want := range spec.Shape {
		have := info.Shape[axis]
		if have >= 0 && want != have && (want >= 0 || kind == "input") {
			return fmt.Errorf("%s %q has shape %v in the catalogue and %v in the model", kind, spec.Name, spec.Shape, info.Shape)
		}
	}
	if spec.BatchAxis >= len(spec.Shape) {
		return fmt.Errorf("%s %q of rank %d has no batch_axis %d", kind, spec.Name, len(spec.Shape), spec.BatchAxis)
	}
	if batched && spec.BatchAxis >= 0 && info.Shape[spec.BatchAxis] >= 0 {
		return fmt.Errorf("%s %q can't be batched: the model fixes dimension %d at %d, but the catalogue has batch.max > 1",
			kind, spec.Name, spec.BatchAxis, info.Shape[spec.BatchAxis])
	}
	return nil
}
