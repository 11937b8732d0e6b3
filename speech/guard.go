package speech

import (
	"fmt"
	"runtime/debug"
)

// guarded turns a panic into an error with its stack. A panic in a goroutine that this package starts would end the whole
// process, whoever called.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in a speech stream: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}
