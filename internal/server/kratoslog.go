package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/go-kratos/kratos/v2/log"
)

// kratosLog writes kratos' few log lines to the process' log.
type kratosLog struct{}

// Kratos has one logger for all servers of a process and does not guard it: giving each server its own would change it under
// those that run.
var setKratosLog sync.Once

func logKratos() { setKratosLog.Do(func() { log.SetLogger(kratosLog{}) }) }

// Log implements kratos' log.Logger.
func (kratosLog) Log(level log.Level, keyvals ...any) error {
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
	slog.LogAttrs(context.Background(), to, message, attrs...)
	return nil
}
