package service

import (
	"encoding/base64"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness/active"
)

const (
	sessionPrefix        = "livenessSessions/"
	reasonSessionUnknown = "LIVENESS_SESSION_UNKNOWN"
	// mostUses is how often one session may be verified with: for an identity document that has to be photographed again.
	mostUses = 5
	// mostProofs bounds the sessions that are remembered, at some 3 kB each; the oldest go first.
	mostProofs = 10_000
)

// proof is what is remembered of a session of active liveness: no picture.
type proof struct {
	outcome  active.Outcome
	liveness *pb.Liveness
	quality  *pb.FaceQuality
	flaw     *flaw
	template face.Template // nil where the face had a flaw
	weights  string        // SHA-256 of the embedding model's
	expires  time.Time
	uses     int
}

// proofs are the sessions of late, in memory and by names that can't be guessed. It is safe for concurrent use.
type proofs struct {
	validity time.Duration

	mu    sync.Mutex
	named map[string]*proof
	order []string // oldest first
}

// add remembers a session and names it.
func (p *proofs) add(v proof, random io.Reader, now time.Time) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("name a liveness session: %w", err)
	}
	name := sessionPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	v.expires = now.Add(p.validity)
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.order) > 0 && (len(p.order) >= mostProofs || !now.Before(p.named[p.order[0]].expires)) {
		clear(p.named[p.order[0]].template)
		delete(p.named, p.order[0])
		p.order = p.order[1:]
	}
	if p.named == nil {
		p.named = map[string]*proof{}
	}
	p.named[name] = &v
	p.order = append(p.order, name)
	return name, nil
}

// use returns a session that is still valid, a few times.
func (p *proofs) use(name string, now time.Time) (proof, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.named[name]
	if !ok || !now.Before(v.expires) || v.uses >= mostUses {
		return proof{}, rpcerror.New(codes.NotFound, reasonSessionUnknown,
			fmt.Sprintf("no such liveness session is valid: sessions are known to the server that ran them, for %v and %d verifications; run LiveLiveness again", p.validity, mostUses),
			rpcerror.Meta("field", "liveness_session"), rpcerror.FieldReason("liveness_session", reasonSessionUnknown, "not known, expired or used up"))
	}
	v.uses++
	out := *v
	out.template = append(face.Template(nil), v.template...)
	return out, nil
}
