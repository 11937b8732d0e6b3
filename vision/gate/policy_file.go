package gate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// PolicyFile is a policy that follows its file. A file that can't be used leaves the policy as it was. It is safe for
// concurrent use.
type PolicyFile struct {
	path string

	mu      sync.Mutex
	policy  *Policy
	sum     [sha256.Size]byte // of the content that was last looked at, used or not
	problem error
}

// OpenPolicy reads a policy file. At the start there is no older policy that could stay, so that an error is one.
func OpenPolicy(path string) (*PolicyFile, error) {
	f := &PolicyFile{path: path}
	content, err := f.read()
	if err != nil {
		return nil, err
	}
	if f.policy, err = ParsePolicy(content); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.sum = sha256.Sum256(content)
	return f, nil
}

func (f *PolicyFile) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxPolicyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return content, nil
}

// Policy is the policy that is in force.
func (f *PolicyFile) Policy() *Policy {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.policy
}

// Problem says why the file as it is now is not in force; nil when it is.
func (f *PolicyFile) Problem() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem
}

// Reload looks at the file, and tells whether anything is new: a policy that is in force from now on, or a problem that is
// the error. What was seen before is not said again.
func (f *PolicyFile) Reload() (changed bool, err error) {
	content, err := f.read()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		// An editor that replaces a file leaves none for a moment; it is said once.
		said := f.problem != nil && errors.Is(f.problem, os.ErrNotExist) && errors.Is(err, os.ErrNotExist)
		f.problem, f.sum = err, [sha256.Size]byte{}
		return !said, err
	}
	sum := sha256.Sum256(content)
	if sum == f.sum {
		return false, f.problem
	}
	f.sum = sum
	p, err := ParsePolicy(content)
	if err != nil {
		f.problem = fmt.Errorf("%s: %w", f.path, err)
		return true, f.problem
	}
	f.policy, f.problem = p, nil
	return true, nil
}

// Follow calls Reload every interval until ctx ends, and tells changed of what is new: nil for a policy that is in force.
func (f *PolicyFile) Follow(ctx context.Context, interval time.Duration, changed func(error)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if news, err := f.Reload(); news {
				changed(err)
			}
		}
	}
}
