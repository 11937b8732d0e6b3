package active

import (
	"encoding/binary"
	"sync"
)

// Digest is the SHA-256 of a frame's encoded bytes.
type Digest [32]byte

// History remembers frames of earlier sessions, the last 100,000 to 200,000 of them, so that one that comes again is known
// as a replay. It holds no pictures. It is safe for concurrent use; the zero History is ready.
type History struct {
	mu          sync.Mutex
	young, old  map[uint64]uint64 // half a digest to the session that it came with
	lastSession uint64
}

const historySize = 100_000

// session numbers a new session.
func (h *History) session() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastSession++
	return h.lastSession
}

// seen remembers a frame, and tells whether another session has shown it before.
func (h *History) seen(d Digest, session uint64) bool {
	key := binary.LittleEndian.Uint64(d[:])
	h.mu.Lock()
	defer h.mu.Unlock()
	first, known := h.young[key]
	if !known {
		first, known = h.old[key]
	}
	if known {
		return first != session
	}
	if h.young == nil || len(h.young) >= historySize {
		h.old, h.young = h.young, make(map[uint64]uint64)
	}
	h.young[key] = session
	return false
}
