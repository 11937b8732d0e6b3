package acoustic

import (
	"context"
	"fmt"
	"math"

	"github.com/courtsense/courtsense/models"
)

func (m *Model) buildCTC(ctx context.Context, networks Networks) error {
	x := networks[models.RoleModel]
	if x == nil {
		return fmt.Errorf("family %s needs a network in the role %s", m.entry.Family, models.RoleModel)
	}
	m.kind = CTC
	if err := m.buildNetwork(ctx, x, models.RoleModel); err != nil {
		return err
	}
	return m.checkClasses(m.network.width)
}

// logSoftmax turns logits into natural logarithms of probabilities, in place. What is normalised already stays as it is,
// up to rounding.
func logSoftmax(row []float32) {
	top := float32(math.Inf(-1))
	for _, v := range row {
		if v > top { // the builtin max also looks for signs of zero and for NaN
			top = v
		}
	}
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	norm := top + float32(math.Log(sum))
	for i := range row {
		row[i] -= norm
	}
}
