package telemetry

import (
	"context"

	"github.com/google/uuid"
)

type requestIDKey struct{}

const maxRequestID = 128

// NewRequestID makes a request id: a random UUID.
func NewRequestID() string { return uuid.NewString() }

// ValidRequestID tells whether an id from outside may be used and logged: 1 to 128 letters, digits and "._:-/+=".
func ValidRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.' || c == '_' || c == ':' || c == '-' || c == '/' || c == '+' || c == '=':
		default:
			return false
		}
	}
	return true
}

// WithRequestID puts a call's id into its context.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the call's id, "" outside a call.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
