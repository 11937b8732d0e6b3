package acoustic

import (
	"context"
	"fmt"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

func (m *Model) buildTransducer(ctx context.Context, networks Networks) error {
	for _, role := range []string{models.RoleEncoder, models.RoleDecoder, models.RoleJoiner} {
		if networks[role] == nil {
			return fmt.Errorf("family %s needs a network in the role %s", m.entry.Family, role)
		}
	}
	m.kind = Transducer
	if err := m.buildNetwork(ctx, networks[models.RoleEncoder], models.RoleEncoder); err != nil {
		return fmt.Errorf("%s: %w", models.RoleEncoder, err)
	}
	s := &Search{blank: int64(m.tokens.blank)}
	if err := s.bindPredictor(networks[models.RoleDecoder], m.entry); err != nil {
		return fmt.Errorf("%s: %w", models.RoleDecoder, err)
	}
	if err := s.bindJoiner(networks[models.RoleJoiner], m.entry, m.network.width); err != nil {
		return fmt.Errorf("%s: %w", models.RoleJoiner, err)
	}
	predicted, err := s.Predict(ctx, [][]int64{s.Start()})
	if err != nil {
		return fmt.Errorf("%s: %w", models.RoleDecoder, err)
	}
	if _, err := s.Join(ctx, [][]float32{make([]float32, m.network.width)}, predicted); err != nil {
		return fmt.Errorf("%s: %w", models.RoleJoiner, err)
	}
	m.search = s
	return m.checkClasses(s.classes)
}

// network is one of the two without a state: rows in, rows out.
type network struct {
	x       pipeline.Executor
	maxRows int // in a run; 0: any number
}

func newNetwork(x pipeline.Executor, e models.Entry, role string, inputs, outputs int) (network, error) {
	sig := x.Signature()
	if len(sig.Inputs) != inputs || len(sig.Outputs) < outputs {
		return network{}, fmt.Errorf("the network has %d inputs and %d outputs, want %d and %d", len(sig.Inputs), len(sig.Outputs), inputs, outputs)
	}
	if served, ok := x.(interface{ Entry() models.Entry }); ok && served.Entry().ID != "" {
		e = served.Entry() // with the limits of this network, not of the main one
	}
	e, err := Complete(e, role, sig, pipeline.Describe(x))
	n := network{x: x}
	if e.Batch.Max > 1 {
		n.maxRows = e.Batch.Max
	}
	for _, in := range sig.Inputs {
		// Exports of one row are run row by row.
		if len(in.Shape) > 0 && in.Shape[0] >= 0 {
			n.maxRows = 1
		}
	}
	return n, err
}

// portions calls f with the bounds of as many rows as go into one run.
func (n network) portions(rows int, f func(from, to int) error) error {
	size := n.maxRows
	if size == 0 {
		size = rows
	}
	for from := 0; from < rows; from += size {
		if err := f(from, min(from+size, rows)); err != nil {
			return err
		}
	}
	return nil
}

// single reports whether the portion is one row that must be doubled: alone it would take another way through the runtime,
// with other rounding, than joined with the rows of other streams.
func (n network) single(from, to int) bool { return to-from == 1 && n.maxRows != 1 }

func (s *Search) bindPredictor(x pipeline.Executor, e models.Entry) error {
	var err error
	if s.predictor, err = newNetwork(x, e, models.RoleDecoder, 1, 1); err != nil {
		return err
	}
	in, out := x.Signature().Inputs[0], x.Signature().Outputs[0]
	if in.DType != pipeline.Int64 || len(in.Shape) != 2 || len(out.Shape) != 2 {
		return fmt.Errorf("input %q is %v of %v and output %q of %v, want int64 of [rows, tokens] and float32 of [rows, width]",
			in.Name, in.DType, in.Shape, out.Name, out.Shape)
	}
	s.contextInput, s.contextOutput, s.width = in.Name, out.Name, int(max(out.Shape[1], 0))
	if s.context = int(in.Shape[1]); s.context <= 0 {
		if s.context, err = metadataInt(pipeline.Describe(x).Metadata, metaContext, 1, maxContext); err != nil {
			return err
		}
	}
	return nil
}

// maxContext bounds what a file can make a decoder hold, in tokens.
const maxContext = 64

func (s *Search) bindJoiner(x pipeline.Executor, e models.Entry, width int) error {
	var err error
	if s.joiner, err = newNetwork(x, e, models.RoleJoiner, 2, 1); err != nil {
		return err
	}
	sig := x.Signature()
	s.encoderInput, s.predictorInput, s.logits = sig.Inputs[0].Name, sig.Inputs[1].Name, sig.Outputs[0].Name
	for i, in := range sig.Inputs {
		want := []int{width, s.width}[i]
		if in.DType != pipeline.Float32 || len(in.Shape) != 2 || in.Shape[1] >= 0 && want > 0 && int(in.Shape[1]) != want {
			return fmt.Errorf("input %q is %v of %v, want float32 of [rows, %d]: it belongs to another model", in.Name, in.DType, in.Shape, want)
		}
	}
	out := sig.Outputs[0]
	if len(out.Shape) != 2 || out.Shape[1] <= 0 {
		return fmt.Errorf("output %q has shape %v, want [rows, classes]", out.Name, out.Shape)
	}
	s.classes = int(out.Shape[1])
	return nil
}
