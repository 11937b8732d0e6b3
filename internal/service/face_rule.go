package service

import (
	"fmt"
	"strconv"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/vision/calibration"
)

const (
	reasonFPIRUnsupported = "IDENTIFICATION_RATE_UNSUPPORTED"

	// defaultFPIR is the false positive identification rate for a search that names none.
	defaultFPIR = 1e-3
	// mostFMR bounds the rate of a single comparison however few templates there are: beyond, a match says little.
	mostFMR = 1e-2
)

// searchRule is a search's: a stranger is taken for anybody with the false positive identification rate, since each of the
// comparisons passes with the false match rate and, whatever they have in common, the chance of any is at most the sum of
// theirs (Boole's inequality).
type searchRule struct {
	rule
	fpir         float64
	templates    int
	extrapolated bool
}

// searchRuleFor is the rule for so many templates at a requested false positive identification rate, nil for the default,
// which goes below what the data support where the gallery is large, and says so.
func searchRuleFor(c *calibration.Curve, requested *float64, templates int) (searchRule, error) {
	fpir, n := defaultFPIR, float64(max(templates, 1))
	if requested != nil {
		fpir = *requested
	}
	r := searchRule{rule: rule{curve: c, fmr: min(fpir/n, mostFMR)}, templates: templates}
	r.fpir = r.fmr * n
	if t, err := c.Threshold(r.fmr); err == nil {
		r.threshold = t
		return r, nil
	}
	lowest := c.Lowest()
	if requested != nil || lowest >= 1 {
		rate := strconv.FormatFloat(min(lowest*n, 1), 'g', 2, 64)
		text := fmt.Sprintf("a false positive identification rate of %g over %d templates can't be promised: the calibration (%s) supports %s and above; name no rate to search at an estimated threshold", fpir, templates, c.Data, rate)
		return searchRule{}, rpcerror.New(codes.FailedPrecondition, reasonFPIRUnsupported, text,
			rpcerror.Meta("field", "false_positive_identification_rate"), rpcerror.Meta("lowest", rate),
			rpcerror.FieldReason("false_positive_identification_rate", reasonFPIRUnsupported, text))
	}
	r.threshold, r.extrapolated = c.Extrapolate(r.fmr), true
	return r, nil
}

func (r searchRule) record(ev *evidence) {
	r.rule.record(ev)
	ev.setting("false_positive_identification_rate", strconv.FormatFloat(r.fpir, 'g', 4, 64))
	ev.setting("extrapolated", strconv.FormatBool(r.extrapolated))
}

func (r searchRule) message() *pb.SearchRule {
	return &pb.SearchRule{
		FalsePositiveIdentificationRate: r.fpir, FalseMatchRate: r.fmr, Threshold: r.threshold,
		Templates: int64(r.templates), Extrapolated: r.extrapolated,
	}
}
