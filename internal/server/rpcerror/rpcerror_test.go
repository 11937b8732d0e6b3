package rpcerror

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

func TestFrom(t *testing.T) {
	own := New(codes.NotFound, "GALLERY_NOT_FOUND", "no such gallery")
	for name, c := range map[string]struct {
		err     error
		code    codes.Code
		reason  string
		message string
	}{
		"refused input": {refusal.New(refusal.Corrupt, "the JPEG is damaged"), codes.InvalidArgument, "CORRUPT", "the JPEG is damaged"},
		"over a limit":  {fmt.Errorf("page 3: %w", refusal.New(refusal.TooLarge, "too many pixels")), codes.ResourceExhausted, "TOO_LARGE", "too many pixels"},
		"queue full":    {&pipeline.Failure{Reason: pipeline.Rejected, Model: "m", Err: errors.New("queue")}, codes.ResourceExhausted, "REJECTED", "try again"},
		"went away":     {&pipeline.Failure{Reason: pipeline.Canceled, Err: context.Canceled}, codes.Canceled, "CANCELED", "canceled"},
		"late":          {&pipeline.Failure{Reason: pipeline.DeadlineExceeded, Err: context.DeadlineExceeded}, codes.DeadlineExceeded, "DEADLINE", "deadline"},
		"misfit":        {&pipeline.Failure{Reason: pipeline.Invalid, Err: errors.New("3 channels wanted")}, codes.InvalidArgument, "INVALID", "3 channels wanted"},
		"runtime":       {&pipeline.Failure{Reason: pipeline.Backend, Err: errors.New("secret path /etc")}, codes.Internal, "INTERNAL", "request id"},
		"context":       {fmt.Errorf("x: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "DEADLINE", "deadline"},
		"canceled":      {context.Canceled, codes.Canceled, "CANCELED", "canceled"},
		"anything else": {errors.New("secret"), codes.Internal, "INTERNAL", "request id"},
		"own":           {own, codes.NotFound, "GALLERY_NOT_FOUND", "no such gallery"},
		"wrapped own":   {fmt.Errorf("x: %w", own), codes.NotFound, "GALLERY_NOT_FOUND", "no such gallery"},
		"bare status":   {status.Error(codes.FailedPrecondition, "not now"), codes.FailedPrecondition, "FAILED_PRECONDITION", "not now"},
		"bare internal": {status.Error(codes.Internal, "secret"), codes.Internal, "INTERNAL", "request id"},
		"not built":     {Unimplemented("FaceService.Watch"), codes.Unimplemented, "UNIMPLEMENTED", "not implemented"},
	} {
		t.Run(name, func(t *testing.T) {
			st := From(c.err)
			assert.Equal(t, c.code, st.Code())
			assert.Equal(t, c.reason, Reason(st))
			assert.Contains(t, st.Message(), c.message)
			assert.NotContains(t, st.String(), "secret")
			info := detail[*errdetails.ErrorInfo](t, st)
			assert.Equal(t, Domain, info.GetDomain())
		})
	}
	assert.Equal(t, codes.OK, From(nil).Code())
	assert.Empty(t, Reason(From(nil)))
}

func TestRefusalNamesFieldAndLimit(t *testing.T) {
	st := From(&refusal.Error{Reason: refusal.TooLarge, Field: "image.content", Limit: 100, Got: 943, Msg: "too large"})
	assert.Equal(t, map[string]string{"field": "image.content", "limit": "100", "got": "943"}, detail[*errdetails.ErrorInfo](t, st).GetMetadata())
	violation := detail[*errdetails.BadRequest](t, st).GetFieldViolations()[0]
	assert.Equal(t, "image.content", violation.GetField())
	assert.Equal(t, "TOO_LARGE", violation.GetReason())
}

func TestRejectedSaysWhenToRetry(t *testing.T) {
	st := From(&pipeline.Failure{Reason: pipeline.Rejected, Model: "yunet", Err: errors.New("full")})
	assert.Positive(t, detail[*errdetails.RetryInfo](t, st).GetRetryDelay().AsDuration())
	assert.Equal(t, "yunet", detail[*errdetails.ErrorInfo](t, st).GetMetadata()["model"])
}

func detail[T any](t *testing.T, st *status.Status) T {
	t.Helper()
	for _, d := range st.Details() {
		if v, ok := d.(T); ok {
			return v
		}
	}
	var none T
	require.Failf(t, "no detail", "%T in %v", none, st)
	return none
}
