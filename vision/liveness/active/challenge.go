package active

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Step is one drawn action.
type Step struct {
	Action Action
	Nonce  string        // 128 random bits, to come back with every frame that is taken while the action is shown
	Pause  time.Duration // how long the resting face is watched before the action is shown, so that a film can't keep time
}

// Bounds of a challenge.
const (
	LeastActions   = 2
	MostActions    = 3
	shortestPause  = 200 * time.Millisecond
	longestPause   = 900 * time.Millisecond
	nonceBytes     = 16
	longestNonce   = 64 // of a client's frame, in bytes; longer ones are none of ours
	drawsPerAction = 64 // attempts at a draw that satisfies the rule; 12 of the 20 sets of all actions do
)

// ErrTooEasy is the error of actions from which no challenge can be drawn that a flat picture would fail.
var ErrTooEasy = errors.New("a challenge must hold a turn of the head (turn_left or turn_right), which shows the face's relief, and open_mouth or blink, which change its form")

// Draw draws a challenge of n different actions out of those that may be asked for. Every challenge holds a turn of the
// head and an action that changes the face's form, since neither can be shown with a picture on paper, flat or bent. The
// error is [ErrTooEasy], or one of the source of randomness.
func Draw(random io.Reader, from []Action, n int) ([]Step, error) {
	from = slices.Compact(slices.Sorted(slices.Values(from)))
	if n < LeastActions || n > MostActions {
		return nil, fmt.Errorf("challenge of %d actions; it must have %d to %d", n, LeastActions, MostActions)
	}
	if len(from) < n || !suffices(from) {
		return nil, fmt.Errorf("%d of the actions (%s): %w", n, list(from), ErrTooEasy)
	}
	for range drawsPerAction * MostActions {
		order := slices.Clone(from)
		for i := range n {
			k, err := below(random, len(order)-i)
			if err != nil {
				return nil, err
			}
			order[i], order[i+k] = order[i+k], order[i]
		}
		if suffices(order[:n]) {
			return steps(random, order[:n])
		}
	}
	return nil, errors.New("the source of randomness does not vary")
}

// suffices tells whether a flat picture would fail at these actions.
func suffices(actions []Action) bool {
	return slices.ContainsFunc(actions, Action.turns) && slices.ContainsFunc(actions, Action.deforms)
}

func steps(random io.Reader, actions []Action) ([]Step, error) {
	out := make([]Step, len(actions))
	for i, a := range actions {
		nonce := make([]byte, nonceBytes)
		if _, err := io.ReadFull(random, nonce); err != nil {
			return nil, fmt.Errorf("draw a nonce: %w", err)
		}
		ms, err := below(random, int((longestPause-shortestPause)/time.Millisecond))
		if err != nil {
			return nil, err
		}
		out[i] = Step{a, base64.RawURLEncoding.EncodeToString(nonce), shortestPause + time.Duration(ms)*time.Millisecond}
	}
	return out, nil
}

// below draws a number from 0 to n-1, each as likely as the others to 1 in 2^32.
func below(random io.Reader, n int) (int, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0, fmt.Errorf("draw a challenge: %w", err)
	}
	return int(binary.BigEndian.Uint64(b[:]) >> 1 % uint64(n)), nil
}
