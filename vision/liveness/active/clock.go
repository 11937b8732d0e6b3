package active

import "time"

const (
	// Frames nearer to each other than this are not looked at: 50 a second.
	closest = 20 * time.Millisecond
	// mostSkipped is how many frames that can't be used a client may send.
	mostSkipped = 400
	// frozenLimit is how long the very same frame may come again and again: a client that reads its camera faster than it
	// takes pictures sends some twice.
	frozenLimit = 1500 * time.Millisecond
	// settleAhead is how much a client may have buffered before it opened the session.
	settleAhead = 1500 * time.Millisecond
	// drift is what the clocks of both sides may go apart within a step, and the server be late in noting a send.
	drift = 100 * time.Millisecond
)

// clock holds the frames' times and nonces against what is possible. A frame that carries a nonce was taken after the
// nonce was sent, and each one after it as much later as its capture time says: so, however slow and uneven the link is, no
// more capture time can have come since then than the server's clock has counted. Films and buffers that are sent in
// bursts break that.
type clock struct {
	frames      int
	first, last time.Duration // capture times
	shown       int           // the challenge of the last frame; -1 before the first
	shownAt     time.Duration // capture time of the first frame that carried its nonce
	sent        []time.Duration

	used    Frame // the last frame that was measured
	any     bool
	spacing time.Duration // between the last two measured frames
	frozen  time.Duration // capture time since when the same frame comes
	skipped int
}

func newClock(steps int) clock { return clock{shown: -1, sent: make([]time.Duration, steps)} }

// arrive checks order, nonce and time of a frame.
func (k *clock) arrive(f Frame, steps []Step, current int, s state) Reason {
	if k.frames++; k.frames == 1 {
		k.first = f.Capture
	} else if f.Capture <= k.last {
		return StreamsMixed
	}
	k.last = f.Capture
	n := -1
	if f.Nonce != "" {
		sent := current
		if s == asked || s == returning {
			sent++
		}
		for i := range min(sent, len(steps)) {
			if steps[i].Nonce == f.Nonce {
				n = i
			}
		}
		if n < 0 {
			return Replay
		}
	}
	switch {
	case n < k.shown:
		return StreamsMixed
	case n > k.shown:
		k.shown, k.shownAt = n, f.Capture
	}
	if n >= 0 && f.Capture-k.shownAt > f.Received-k.sent[n]+drift || f.Capture-k.first > f.Received+settleAhead {
		return Burst
	}
	return ""
}

// use tells whether a frame brings anything new.
func (k *clock) use(f Frame, s state) (bool, Reason) {
	if !k.any {
		k.any, k.used, k.frozen = true, f, f.Capture
		return true, ""
	}
	gap := f.Capture - k.used.Capture
	if gap < closest {
		return false, k.skip()
	}
	if f.Digest == k.used.Digest {
		if f.Capture-k.frozen > frozenLimit {
			return false, FramesRepeated
		}
		return false, k.skip()
	}
	if gap > gapLimit && s != settling {
		return false, FramesMissing
	}
	k.used, k.spacing, k.frozen = f, gap, f.Capture
	return true, ""
}

func (k *clock) skip() Reason {
	if k.skipped++; k.skipped > mostSkipped {
		return TooManyFrames
	}
	return ""
}
