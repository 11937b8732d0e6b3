package imaging

import (
	"fmt"
	"strings"

	"github.com/courtsense/courtsense/models"
)

// Configure takes layout, colour order and normalisation from a catalogue entry's input; sizes and fit stay as they are.
func (s *Spec) Configure(in models.TensorSpec) error {
	switch strings.ToUpper(in.Layout) {
	case "", "NCHW":
		s.Layout = NCHW
	case "NHWC":
		s.Layout = NHWC
	default:
		return fmt.Errorf("input %s: layout %q is not NCHW or NHWC", in.Name, in.Layout)
	}
	switch strings.ToUpper(in.Color) {
	case "", "BGR":
		s.RGB = false
	case "RGB":
		s.RGB = true
	default:
		return fmt.Errorf("input %s: colour %q is not BGR or RGB", in.Name, in.Color)
	}
	s.Scale = float32(in.Scale)
	for name, list := range map[string]struct {
		from []float64
		to   *[3]float32
	}{"mean": {in.Mean, &s.Mean}, "std": {in.Std, &s.Std}} {
		if len(list.from) != 0 && len(list.from) != 3 {
			return fmt.Errorf("input %s: %s has %d values, want 3", in.Name, name, len(list.from))
		}
		for i, v := range list.from {
			list.to[i] = float32(v)
		}
	}
	return nil
}
