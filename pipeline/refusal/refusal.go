package refusal

import (
	"errors"
	"fmt"
)

// Reason classifies a refusal; it travels to clients as google.rpc.ErrorInfo.reason.
type Reason string

// The reasons for which input is refused.
const (
	Empty           Reason = "EMPTY"            // no bytes
	UnsupportedType Reason = "UNSUPPORTED_TYPE" // content of a type that is not accepted
	Corrupt         Reason = "CORRUPT"          // the type is known, the content is damaged
	Truncated       Reason = "TRUNCATED"        // the content ends too early
	Encrypted       Reason = "ENCRYPTED"        // a password would be needed
	InvalidValue    Reason = "INVALID_VALUE"    // a parameter or sample out of range, such as NaN
	InvalidConfig   Reason = "INVALID_CONFIG"   // the stream's configuration contradicts itself or the content
	TooLarge        Reason = "TOO_LARGE"        // bytes, pixels or sides over the limit
	TooManyPages    Reason = "TOO_MANY_PAGES"   // pages or frames over the limit
	TooLong         Reason = "TOO_LONG"         // seconds over the limit
)

// OverLimit tells the reasons that stand for an exhausted limit from those that stand for bad input.
func (r Reason) OverLimit() bool {
	return r == TooLarge || r == TooManyPages || r == TooLong
}

// Error refuses an input.
type Error struct {
	Reason Reason
	Field  string // what was refused, in the request's words: "image.content", "config.sample_rate_hertz"; may be ""
	Limit  int64  // the limit that was passed, 0 when none
	Got    int64  // the value that passed it
	Msg    string // one sentence: what is wrong, the limit and its configuration key, what to do
	Err    error  // the cause, may be nil
}

// New refuses with a formatted message.
func New(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Msg: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + ": " + e.Err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// As returns the refusal in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
