package rpcerror

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Domain is the domain of every google.rpc.ErrorInfo that the server sends.
const Domain = "courtsense"

// Reasons of errors that arise between client and handler. The reasons for refused input are package refusal's, those of
// the engine package pipeline's.
const (
	ReasonInternal        = "INTERNAL"
	ReasonUnimplemented   = "UNIMPLEMENTED"
	ReasonMessageTooLarge = "MESSAGE_TOO_LARGE"
	ReasonMalformed       = "MALFORMED_MESSAGE"
	ReasonInvalidValue    = string(refusal.InvalidValue)
	ReasonIdleTimeout     = "IDLE_TIMEOUT"
	ReasonStreamTimeout   = "STREAM_TIMEOUT"
	ReasonSlowClient      = "SLOW_CLIENT"
	ReasonDraining        = "DRAINING"
	ReasonTooManyCalls    = "TOO_MANY_CALLS"
	ReasonAdminOnly       = "ADMIN_ONLY"
	ReasonCanceled        = string(pipeline.Canceled)
	ReasonDeadline        = string(pipeline.DeadlineExceeded)
)

// retryRejected is how long a client does well to wait after a full queue: about the time of a few runs.
const retryRejected = 500 * time.Millisecond

// Option adds to an error made by [New].
type Option func(*details)

type details struct {
	info   *errdetails.ErrorInfo
	fields []*errdetails.BadRequest_FieldViolation
	retry  time.Duration
}

// Field says which field of the request was wrong, and how.
func Field(field, description string) Option {
	return func(d *details) {
		d.fields = append(d.fields, &errdetails.BadRequest_FieldViolation{Field: field, Description: description})
	}
}

// FieldReason is Field with the machine-readable name of the rule that was broken.
func FieldReason(field, reason, description string) Option {
	return func(d *details) {
		d.fields = append(d.fields, &errdetails.BadRequest_FieldViolation{Field: field, Description: description, Reason: reason})
	}
}

// Meta adds a key and value to ErrorInfo's metadata.
func Meta(key, value string) Option {
	return func(d *details) { d.info.Metadata[key] = value }
}

// Retry says after how long another attempt may succeed.
func Retry(after time.Duration) Option {
	return func(d *details) { d.retry = after }
}

// New makes a status error with ErrorInfo. reason is UPPER_SNAKE_CASE and stable; message is for people.
func New(code codes.Code, reason, message string, options ...Option) error {
	return build(code, reason, message, options...).Err()
}

func build(code codes.Code, reason, message string, options ...Option) *status.Status {
	d := details{info: &errdetails.ErrorInfo{Reason: reason, Domain: Domain, Metadata: map[string]string{}}}
	for _, o := range options {
		o(&d)
	}
	list := []protoadapt.MessageV1{protoadapt.MessageV1Of(d.info)}
	if len(d.fields) > 0 {
		list = append(list, protoadapt.MessageV1Of(&errdetails.BadRequest{FieldViolations: d.fields}))
	}
	if d.retry > 0 {
		list = append(list, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(d.retry)}))
	}
	st := status.New(code, message)
	with, err := st.WithDetails(list...)
	if err != nil {
		return st // only for an OK code, which is no error
	}
	return with
}

// Unimplemented is the answer of a method that is part of the contract but not built yet.
func Unimplemented(method string) error {
	return New(codes.Unimplemented, ReasonUnimplemented, method+" is not implemented by this version of the server", Meta("method", method))
}

// From turns any error into the status that the client gets. A status that already has ErrorInfo stays as it is; what is
// neither a refusal, an engine failure nor a context's error becomes INTERNAL and says nothing of its cause.
func From(err error) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	if r, ok := refusal.As(err); ok {
		return fromRefusal(r)
	}
	var f *pipeline.Failure
	if errors.As(err, &f) {
		return fromFailure(f)
	}
	if st, ok := status.FromError(err); ok {
		return fromStatus(st)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return build(codes.Canceled, ReasonCanceled, "the call was canceled")
	case errors.Is(err, context.DeadlineExceeded):
		return build(codes.DeadlineExceeded, ReasonDeadline, "the call's deadline passed")
	}
	return internal()
}

func internal(options ...Option) *status.Status {
	return build(codes.Internal, ReasonInternal, "internal error; the server's log has the cause under this call's request id", options...)
}

func fromStatus(st *status.Status) *status.Status {
	for _, d := range st.Details() {
		if _, ok := d.(*errdetails.ErrorInfo); ok {
			return st
		}
	}
	switch st.Code() {
	case codes.OK:
		return st
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return internal()
	}
	p := st.Proto()
	info := build(st.Code(), reasonOfCode(st.Code()), st.Message()).Proto()
	p.Details = append(info.Details, p.Details...)
	return status.FromProto(p)
}

func reasonOfCode(c codes.Code) string {
	switch c {
	case codes.Canceled:
		return ReasonCanceled
	case codes.DeadlineExceeded:
		return ReasonDeadline
	}
	var name []byte
	for i, r := range []byte(c.String()) {
		if 'A' <= r && r <= 'Z' && i > 0 {
			name = append(name, '_')
		}
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		name = append(name, r)
	}
	return string(name)
}

func fromRefusal(r *refusal.Error) *status.Status {
	code := codes.InvalidArgument
	if r.Reason.OverLimit() {
		code = codes.ResourceExhausted
	}
	var options []Option
	if r.Field != "" {
		options = append(options, Meta("field", r.Field), FieldReason(r.Field, string(r.Reason), r.Msg))
	}
	if r.Limit != 0 {
		options = append(options, Meta("limit", strconv.FormatInt(r.Limit, 10)), Meta("got", strconv.FormatInt(r.Got, 10)))
	}
	return build(code, string(r.Reason), r.Msg, options...)
}

func fromFailure(f *pipeline.Failure) *status.Status {
	var options []Option
	if f.Model != "" {
		options = append(options, Meta("model", f.Model))
	}
	switch f.Reason {
	case pipeline.Rejected:
		options = append(options, Retry(retryRejected))
		return build(codes.ResourceExhausted, string(f.Reason), "the model's queue is full or the model is being unloaded; try again", options...)
	case pipeline.Canceled:
		return build(codes.Canceled, ReasonCanceled, "the call was canceled", options...)
	case pipeline.DeadlineExceeded:
		return build(codes.DeadlineExceeded, ReasonDeadline, "the call's deadline passed while the model was waited for", options...)
	case pipeline.Invalid:
		return build(codes.InvalidArgument, string(f.Reason), "the input does not fit the model: "+f.Err.Error(), options...)
	}
	return internal(options...)
}

// Reason returns the reason of a status made by this package, "" for OK and for statuses from elsewhere.
func Reason(st *status.Status) string {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}
