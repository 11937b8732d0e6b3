package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const lockPoll = 200 * time.Millisecond

// lockFolder waits until no other pull works in dir. The kernel drops the lock with the process, however it ends, so
// there is no stale lock to clean up.
func lockFolder(ctx context.Context, dir string, log *slog.Logger) (unlock func(), err error) {
	name := filepath.Join(dir, ".pull.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("model store is not writable: %w", err)
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for told := false; ; {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			// Closing the only descriptor releases the lock; nothing useful can be done about a failing close.
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		}
		if !told {
			log.Info("another pull is working in this store, waiting for it", "store", dir)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("another pull holds %s: %w", name, ctx.Err()), f.Close())
		case <-tick.C:
		}
	}
}
