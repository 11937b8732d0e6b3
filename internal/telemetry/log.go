package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/courtsense/courtsense/internal/conf"
)

// Redacted stands in the log for a value that may be personal data.
const Redacted = "[redacted]"

// personal are the attribute keys whose values come from the people whom the pictures, pages and recordings are about, or
// open their data. The rule is: a log line may say what happened to an input, never what was in it or what it was called.
var personal = map[string]bool{
	"audio": true, "authorization": true, "content": true, "display_name": true, "document": true, "embedding": true,
	"file": true, "file_name": true, "filename": true, "gallery_subject": true, "id_number": true, "image": true,
	"landmarks": true, "name": true, "password": true, "person": true, "phrase": true, "phrases": true, "query": true,
	"subject": true, "template": true, "text": true, "token": true, "transcript": true, "uri": true, "words": true,
}

// NewLogger makes the server's logger. Lines written with a call's context carry its request and trace ids; personal data
// is replaced by [Redacted], and bytes and messages by their type and size.
func NewLogger(w io.Writer, c conf.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	var h slog.Handler = slog.NewJSONHandler(w, options)
	if c.Format == "text" {
		h = slog.NewTextHandler(w, options)
	}
	return slog.New(contextHandler{h})
}

func redact(_ []string, a slog.Attr) slog.Attr {
	if personal[strings.ToLower(a.Key)] {
		return slog.String(a.Key, Redacted)
	}
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String()) // JSON would have nanoseconds without saying so
	}
	if a.Value.Kind() == slog.KindAny {
		switch v := a.Value.Any().(type) {
		case []byte:
			return slog.String(a.Key, fmt.Sprintf("[%d bytes]", len(v)))
		case proto.Message:
			return slog.String(a.Key, fmt.Sprintf("[%s, %d bytes]", v.ProtoReflect().Descriptor().FullName(), proto.Size(v)))
		}
	}
	return a
}

// contextHandler adds what the context knows about the call.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		r.AddAttrs(slog.String("trace_id", s.TraceID().String()), slog.String("span_id", s.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
