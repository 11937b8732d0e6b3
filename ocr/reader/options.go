package reader

import (
	"fmt"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// check refuses options out of range. Languages are taken as a hint: the network reads all it knows at once.
func check(o ocr.Options) error {
	fail := func(field, format string, args ...any) error {
		return &refusal.Error{Reason: refusal.InvalidValue, Field: field, Msg: fmt.Sprintf(format, args...)}
	}
	switch {
	case o.Candidates < 0 || o.Candidates > ocr.MaxCandidates:
		return fail("candidates", "candidates is %d, must be 0 to %d", o.Candidates, ocr.MaxCandidates)
	case o.DPI < 0:
		return fail("dpi", "dpi is %d, must be 0 (unknown) or more", o.DPI)
	case o.Layout < ocr.LayoutAuto || o.Layout > ocr.LayoutSparse:
		return fail("layout", "layout %d is not known", int(o.Layout))
	}
	return nil
}
