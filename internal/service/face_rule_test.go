package service

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
)

// strangersOf is the curve of so many people whose templates have nothing in common.
func strangersOf(t *testing.T, people int) *calibration.Curve {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	all := make([][]face.Template, people)
	for i := range all {
		template, norm := make(face.Template, 16), 0.0
		for k := range template {
			v := random.NormFloat64()
			template[k], norm = float32(v), norm+v*v
		}
		for k := range template {
			template[k] /= float32(math.Sqrt(norm))
		}
		all[i] = []face.Template{template}
	}
	c, err := calibration.Measure(all)
	require.NoError(t, err)
	c.Model, c.Data.Name = calibration.Model{ID: "m", SHA256: strings.Repeat("ab", 32)}, "strangers"
	var file bytes.Buffer
	require.NoError(t, c.Write(&file))
	c, err = calibration.Parse(file.Bytes())
	require.NoError(t, err)
	return c
}

func requireStatus(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	require.Equal(t, code, status.Code(err), "%v", err)
	require.Equal(t, reason, rpcerror.Reason(status.Convert(err)))
}

func TestAComparisonIsDecidedAtARateThatTheDataSupport(t *testing.T) {
	few, many := strangersOf(t, 140), strangersOf(t, 600)
	require.Greater(t, few.Lowest(), 1e-3)
	require.Less(t, many.Lowest(), 1e-3/3)
	r, err := ruleFor(few, nil)
	require.NoError(t, err)
	assert.Equal(t, 1e-2, r.fmr, "the first of the defaults that is supported")
	r, err = ruleFor(many, nil)
	require.NoError(t, err)
	assert.Equal(t, 1e-3, r.fmr)
	asked := 1e-3
	_, err = ruleFor(few, &asked)
	requireStatus(t, err, codes.FailedPrecondition, "FALSE_MATCH_RATE_UNSUPPORTED")
	require.ErrorContains(t, err, "strangers: 9,730 pairs of 140 people")
}

func TestASearchsRateIsSharedByItsTemplates(t *testing.T) {
	c := strangersOf(t, 600)
	for _, templates := range []int{0, 1, 3} {
		r, err := searchRuleFor(c, nil, templates)
		require.NoError(t, err)
		n := float64(max(templates, 1))
		assert.InDelta(t, 1e-3/n, r.fmr, 1e-12)
		assert.InDelta(t, 1e-3, r.fpir, 1e-12)
		assert.False(t, r.extrapolated)
	}
	few, err := searchRuleFor(c, nil, 3)
	require.NoError(t, err)
	many, err := searchRuleFor(c, nil, 100_000)
	require.NoError(t, err, "without a rate every gallery can be searched")
	assert.True(t, many.extrapolated)
	assert.Greater(t, many.threshold, few.threshold)
	assert.InDelta(t, 1e-8, many.fmr, 1e-15)

	asked := 1e-2
	_, err = searchRuleFor(c, &asked, 100_000)
	requireStatus(t, err, codes.FailedPrecondition, "IDENTIFICATION_RATE_UNSUPPORTED")
	r, err := searchRuleFor(c, &asked, 1)
	require.NoError(t, err)
	assert.InDelta(t, 1e-2, r.fpir, 1e-12)
	r, err = searchRuleFor(c, &asked, 0)
	require.NoError(t, err)
	assert.LessOrEqual(t, r.fmr, mostFMR)
}

func TestErrorRatesOfAnEntry(t *testing.T) {
	entry := func(texts ...any) models.Entry {
		return models.Entry{ID: "m", Parameters: models.Parameters{"error_rates": texts}}
	}
	rates, err := errorRates(entry("bpcer 0.01 0.005 0.02 lfw-dev, 600 pictures", "print 0.03 0 1 drawn prints"))
	require.NoError(t, err)
	require.Len(t, rates, 2)
	assert.Empty(t, rates[0].GetAttackType(), "the rate over live persons")
	assert.Equal(t, "lfw-dev, 600 pictures", rates[0].GetError().GetMeasuredOn())
	assert.Equal(t, "print", rates[1].GetAttackType())
	assert.InDelta(t, 0.03, rates[1].GetError().GetRate(), 1e-12)
	for _, bad := range []string{"bpcer 0.01", "print 2 0 1 data", "print x 0 1 data", "print NaN 0 1 data"} {
		_, err := errorRates(entry(bad))
		require.Error(t, err, bad)
	}
	none, err := errorRates(models.Entry{})
	require.NoError(t, err)
	assert.Empty(t, none)
}
