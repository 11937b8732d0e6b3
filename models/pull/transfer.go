package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/courtsense/courtsense/models"
)

const (
	partialSuffix = ".partial"
	stateSuffix   = ".partial.json"
	maxBackoff    = 15 * time.Second
	chunk         = 256 << 10
)

// state lies beside a .partial file and says which bytes it is the beginning of.
type state struct {
	From      string    `json:"from"`
	SHA256    string    `json:"sha256"`
	Validator validator `json:"validator"`
}

// transfer is the work on one file.
type transfer struct {
	p       *Puller
	job     job
	place   string // where it comes from
	target  string // where it goes
	want    string // SHA-256, "" when neither the catalogue nor the lock file knows it
	size    int64  // 0 when not known
	moved   int64  // bytes transferred
	resumed bool
}

// one brings one file into the store.
func (p *Puller) one(ctx context.Context, j job) Result {
	r := Result{ID: j.id, File: j.file}
	fail := func(o Outcome, err error) Result {
		r.Outcome, r.Err = o, fmt.Errorf("%s: %w", j.id, err)
		return r
	}
	if err := ctx.Err(); err != nil {
		return fail(Failed, err)
	}
	t := &transfer{p: p, job: j, want: j.file.SHA256, size: j.file.Size,
		target: filepath.Join(p.store.Dir(), filepath.FromSlash(j.file.Path))}
	if j.file.TrustOnFirstUse() {
		lock, err := models.ReadLock(p.store.Dir())
		if err != nil {
			return fail(Failed, err)
		}
		if rec, ok := lock.File(j.file.Path); ok {
			t.want, t.size = rec.SHA256, rec.Size
		}
	}
	sum, err := t.present()
	if err != nil {
		return fail(Failed, err)
	}
	if sum != "" {
		r.Outcome, r.SHA256 = Present, sum
		if t.want == "" {
			r.Err = p.trust(t, sum, "")
		}
		if r.Err != nil {
			r.Outcome = Failed
		}
		return r
	}
	if t.place, err = p.origin.locate(j.file); err != nil {
		return fail(NoSource, err)
	}
	sum, err = t.run(ctx)
	r.Bytes = t.moved
	switch {
	case errors.Is(err, errNoSource):
		return fail(NoSource, err)
	case err != nil:
		return fail(Failed, err)
	}
	r.SHA256, r.Outcome = sum, Pulled
	if t.resumed {
		r.Outcome = Resumed
	}
	return r
}

// present returns the hash of the file in the store when it is the right one, else "". A wrong one is replaced by the
// transfer, not before it.
func (t *transfer) present() (string, error) {
	info, err := os.Stat(t.target)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is in the way: it is not a file", t.target)
	}
	if t.size > 0 && info.Size() != t.size {
		return "", nil
	}
	f, err := os.Open(t.target)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if t.want != "" && sum != t.want {
		t.p.cfg.Logger.Warn("file in the store is damaged or another version, pulling it again", "file", t.target, "sha256", sum, "want", t.want)
		return "", nil
	}
	return sum, nil
}

// run transfers, with retries, and puts the file in its place.
func (t *transfer) run(ctx context.Context) (string, error) {
	if err := os.MkdirAll(filepath.Dir(t.target), 0o755); err != nil {
		return "", err
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = t.p.cfg.backoff, maxBackoff
	return backoff.Retry(ctx, func() (string, error) { return t.attempt(ctx) },
		backoff.WithBackOff(wait), backoff.WithMaxTries(uint(t.p.cfg.Attempts)), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, d time.Duration) {
			t.p.cfg.Logger.Warn("transfer interrupted, trying again", "file", t.job.file.Path, "wait", d.Round(time.Millisecond), "error", err)
		}))
}

func (t *transfer) attempt(ctx context.Context) (string, error) {
	part, err := os.OpenFile(t.target+partialSuffix, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", backoff.Permanent(fmt.Errorf("model store is not writable: %w", err))
	}
	defer part.Close()
	h := sha256.New()
	offset, valid, err := t.resumable(part, h)
	if err != nil {
		return "", backoff.Permanent(err)
	}
	continued := offset > 0
	n, err := t.fetch(ctx, part, h, offset, valid)
	if err != nil {
		return "", err
	}
	return t.finish(part, h, n, continued)
}

// resumable returns how many bytes of an earlier transfer can be kept, and feeds them to h. Without a known hash nothing
// would notice a beginning spoilt by a power cut, so such a file always starts anew.
func (t *transfer) resumable(part *os.File, h hash.Hash) (int64, validator, error) {
	var st state
	raw, err := os.ReadFile(t.target + stateSuffix)
	fits := err == nil && json.Unmarshal(raw, &st) == nil && t.want != "" && st.From == t.place && st.SHA256 == t.want
	var n int64
	if fits {
		if n, err = io.Copy(h, part); err != nil {
			return 0, validator{}, err
		}
	}
	if !fits || (t.size > 0 && n >= t.size) {
		h.Reset()
		return 0, validator{}, rewind(part)
	}
	return n, st.Validator, nil
}

func rewind(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// fetch writes the rest of the file to part and h, and returns the file's whole length.
func (t *transfer) fetch(ctx context.Context, part *os.File, h hash.Hash, offset int64, valid validator) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(t.p.cfg.Stall, func() {
		cancel(fmt.Errorf("nothing arrived for %v", t.p.cfg.Stall))
	})
	defer stall.Stop()

	b, err := t.p.origin.open(ctx, t.place, offset, valid)
	if errors.Is(err, errRange) {
		// The next attempt finds no state and begins at the beginning.
		return 0, errors.Join(err, os.Remove(t.target+stateSuffix))
	}
	if err != nil {
		return 0, causeOf(ctx, err)
	}
	defer b.Close()
	if offset > 0 && b.offset == 0 {
		t.p.cfg.Logger.Info("source can't resume, starting over", "file", t.job.file.Path)
		h.Reset()
		if err := rewind(part); err != nil {
			return 0, backoff.Permanent(err)
		}
		offset = 0
	}
	t.resumed = offset > 0
	limit := t.size
	if limit == 0 {
		limit = t.p.cfg.MaxBytes
	}
	switch {
	case t.size > 0 && b.total >= 0 && b.total != t.size:
		return 0, backoff.Permanent(fmt.Errorf("%s has %d bytes, the catalogue says %d: not the file that is wanted", t.place, b.total, t.size))
	case b.total > limit:
		return 0, backoff.Permanent(fmt.Errorf("%s has %d bytes, the limit for a file of unknown size is %d", t.place, b.total, limit))
	}
	if err := t.writeState(state{From: t.place, SHA256: t.want, Validator: b.validator}); err != nil {
		return 0, backoff.Permanent(err)
	}
	total := b.total
	if total < 0 && t.size > 0 {
		total = t.size
	}
	done := offset
	buf := make([]byte, chunk)
	t.p.cfg.Progress.Transfer(t.job.file, done, total)
	for {
		n, rerr := b.Read(buf)
		stall.Reset(t.p.cfg.Stall)
		if done+int64(n) > limit {
			return 0, backoff.Permanent(errors.Join(fmt.Errorf("%s sends more than %d bytes", t.place, limit), t.discard()))
		}
		if _, err := part.Write(buf[:n]); err != nil {
			return 0, backoff.Permanent(err)
		}
		h.Write(buf[:n])
		done += int64(n)
		t.moved += int64(n)
		if n > 0 {
			t.p.cfg.Progress.Transfer(t.job.file, done, total)
		}
		if errors.Is(rerr, io.EOF) {
			break
		}
		if rerr != nil {
			return 0, causeOf(ctx, rerr)
		}
	}
	if total >= 0 && done != total {
		return 0, fmt.Errorf("%s ended after %d of %d bytes", t.place, done, total)
	}
	return done, nil
}

// causeOf prefers the reason for which ctx was cancelled to the bare "context canceled" of the transport.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// finish checks the hash and moves the file into place.
func (t *transfer) finish(part *os.File, h hash.Hash, size int64, continued bool) (string, error) {
	sum := hex.EncodeToString(h.Sum(nil))
	if t.want != "" && sum != t.want {
		err := errors.Join(&models.MismatchError{ID: t.job.id, Path: t.place, Want: t.want, Got: sum, WantSize: t.size, GotSize: size}, t.discard())
		if continued {
			return "", err // the beginning may have been spoilt: once more from the start
		}
		return "", backoff.Permanent(fmt.Errorf("bad data deleted: %w", err))
	}
	if err := part.Sync(); err != nil {
		return "", backoff.Permanent(err)
	}
	if t.want == "" {
		// Recorded before the file appears: a file that is there has its record.
		t.size = size
		if err := t.p.trust(t, sum, t.place); err != nil {
			return "", backoff.Permanent(err)
		}
	}
	if err := os.Rename(t.target+partialSuffix, t.target); err != nil {
		return "", backoff.Permanent(err)
	}
	if err := os.Remove(t.target + stateSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", backoff.Permanent(err)
	}
	return sum, syncFolder(filepath.Dir(t.target))
}

// trust records the hash of a file for which the catalogue has none.
func (p *Puller) trust(t *transfer, sum, from string) error {
	size := t.size
	if info, err := os.Stat(t.target); size == 0 && err == nil {
		size = info.Size()
	}
	p.cfg.Logger.Warn("the catalogue has no SHA-256 for this file: trusting what came and recording it",
		"file", t.job.file.Path, "sha256", sum, "record", models.LockName)
	p.lockMu.Lock()
	defer p.lockMu.Unlock()
	lock, err := models.ReadLock(p.store.Dir())
	if err != nil {
		return err
	}
	return lock.With(models.LockedFile{Path: t.job.file.Path, SHA256: sum, Size: size, URL: from, Pulled: time.Now().UTC().Truncate(time.Second)}).Write(p.store.Dir())
}

func (t *transfer) writeState(s state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(t.target+stateSuffix, b, 0o644)
}

// discard removes what must not be resumed.
func (t *transfer) discard() error {
	var errs []error
	for _, suffix := range []string{stateSuffix, partialSuffix} {
		if err := os.Remove(t.target + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// syncFolder makes a rename survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
