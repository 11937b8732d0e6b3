package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

const minTokenLength = 16

// adminGuard decides who may administer the server: with a token file, holders of the token; without one, this machine.
type adminGuard struct {
	file string
	open bool // there is no port: the program is its own only client

	mu       sync.Mutex
	modified time.Time
	size     int64
	digest   [sha256.Size]byte
}

// newAdminGuard reads the token once, so that a wrong file is found at the start.
func newAdminGuard(file string) (*adminGuard, error) {
	g := &adminGuard{file: file}
	if file == "" {
		return g, nil
	}
	_, err := g.token()
	return g, err
}

// token returns the digest of the token, reading the file again when it changed.
func (g *adminGuard) token() ([sha256.Size]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	info, err := os.Stat(g.file)
	if err != nil {
		return g.digest, fmt.Errorf("admin token (config admin.token_file): %w", err)
	}
	if info.ModTime().Equal(g.modified) && info.Size() == g.size {
		return g.digest, nil
	}
	content, err := os.ReadFile(g.file)
	if err != nil {
		return g.digest, fmt.Errorf("admin token (config admin.token_file): %w", err)
	}
	content = bytes.TrimSpace(content)
	if len(content) < minTokenLength {
		return g.digest, fmt.Errorf("admin token (config admin.token_file): %d characters; at least %d are needed", len(content), minTokenLength)
	}
	g.modified, g.size, g.digest = info.ModTime(), info.Size(), sha256.Sum256(content)
	return g.digest, nil
}

func (g *adminGuard) check(ctx context.Context) error {
	if g.open {
		return nil
	}
	if g.file == "" {
		if fromThisMachine(ctx) {
			return nil
		}
		return rpcerror.New(codes.PermissionDenied, rpcerror.ReasonAdminOnly,
			"administration calls are accepted from this machine only; set admin.token_file to allow them from elsewhere")
	}
	want, err := g.token()
	if err != nil {
		return err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, value := range md.Get("authorization") {
		scheme, token, ok := strings.Cut(value, " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if ok && strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			return nil
		}
	}
	return rpcerror.New(codes.Unauthenticated, rpcerror.ReasonAdminOnly, "administration calls need the header \"authorization: Bearer TOKEN\"")
}

// fromThisMachine tells whether the call's connection comes from a loopback address. For a call through the gateway it is
// the HTTP connection that counts, as the gateway saw it.
func fromThisMachine(ctx context.Context) bool {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return false
	}
	if _, inside := p.AuthInfo.(inProcessInfo); inside {
		md, _ := metadata.FromIncomingContext(ctx)
		return oneValue(md, peerHeader) == peerLoopback
	}
	return isLoopback(p.Addr)
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func oneValue(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) == 1 {
		return v[0]
	}
	return ""
}
