package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-kratos/kratos/v2/log"
)

// kratosLog writes kratos' few log lines to the server's log.
type kratosLog struct{ logger *slog.Logger }

// Log implements kratos' log.Logger.
func (k kratosLog) Log(level log.Level, keyvals ...any) error {
	to, message := slog.LevelDebug, ""
	switch level {
	case log.LevelWarn:
		to = slog.LevelWarn
	case log.LevelError, log.LevelFatal:
		to = slog.LevelError
	}
	var attrs []slog.Attr
	for i := 0; i+1 < len(keyvals); i += 2 {
		key := fmt.Sprint(keyvals[i])
		if key == log.DefaultMessageKey {
			message = fmt.Sprint(keyvals[i+1])
			continue
		}
		attrs = append(attrs, slog.Any(key, keyvals[i+1]))
	}
	k.logger.LogAttrs(context.Background(), to, message, attrs...)
	return nil
}
