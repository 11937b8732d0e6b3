package server

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	channelz "google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

func TestAdminFromThisMachineOnly(t *testing.T) {
	f := start(t, nil)
	_, err := f.models.ListModels(f.ctx(), &courtsensev1.ListModelsRequest{})
	require.NoError(t, err)
	_, err = channelz.NewChannelzClient(f.conn).GetServers(f.ctx(), &channelz.GetServersRequest{})
	require.NoError(t, err)
	assert.Equal(t, 200, f.http("GET", "/v1/models", "").code)
	for name, header := range map[string][]string{
		"through a proxy":        {"X-Forwarded-For", "203.0.113.7"},
		"led here by a web page": {"Host", "rebound.example"},
		"own word for it":        {"Forwarded", "for=203.0.113.7", "Grpc-Metadata-X-Courtsense-Peer", "loopback", "X-Courtsense-Peer", "loopback"},
	} {
		t.Run(name, func(t *testing.T) { f.http("GET", "/v1/models", "", header...).requireStatus(t, 403, "ADMIN_ONLY") })
	}
}

func TestRemotePeersAreNoAdmins(t *testing.T) {
	g, err := newAdminGuard("")
	require.NoError(t, err)
	from := func(ip string) context.Context {
		return peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.ParseIP(ip)}})
	}
	require.NoError(t, g.check(from("127.0.0.1")))
	require.NoError(t, g.check(from("::1")))
	requireStatus(t, g.check(from("192.0.2.1")), codes.PermissionDenied, rpcerror.ReasonAdminOnly)
	requireStatus(t, g.check(t.Context()), codes.PermissionDenied, rpcerror.ReasonAdminOnly)
	spoofed := metadata.NewIncomingContext(from("192.0.2.1"), metadata.Pairs(peerHeader, peerLoopback))
	requireStatus(t, g.check(spoofed), codes.PermissionDenied, rpcerror.ReasonAdminOnly)
}

func TestAdminToken(t *testing.T) {
	const token, second = "correct horse battery", "another token altogether"
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
	f := start(t, func(s *setup) { s.options = append(s.options, WithAdminToken(file)) })
	list := func(authorization string) error {
		ctx := f.ctx()
		if authorization != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
		}
		_, err := f.models.ListModels(ctx, &courtsensev1.ListModelsRequest{})
		return err
	}
	require.NoError(t, list("Bearer "+token))
	for _, wrong := range []string{"", "Bearer", "Bearer ", "Basic " + token, "Bearer " + token + "x", token} {
		requireStatus(t, list(wrong), codes.Unauthenticated, rpcerror.ReasonAdminOnly)
	}
	assert.Equal(t, 200, f.http("GET", "/v1/models", "", "Authorization", "Bearer "+token, "X-Forwarded-For", "203.0.113.7").code)
	f.http("GET", "/v1/models", "").requireStatus(t, 401, "ADMIN_ONLY")
	_, err := f.faces.Detect(f.ctx(), detectRequest())
	require.NoError(t, err, "other services need none")

	require.NoError(t, os.WriteFile(file, []byte(second), 0o600))
	later := time.Now().Add(10 * time.Second)
	require.NoError(t, os.Chtimes(file, later, later))
	requireStatus(t, list("Bearer "+token), codes.Unauthenticated, rpcerror.ReasonAdminOnly)
	require.NoError(t, list("Bearer "+second))
	require.NoError(t, os.Remove(file))
	requireStatus(t, list("Bearer "+second), codes.Internal, rpcerror.ReasonInternal)
}

func TestWrongTokenFilesAreFoundAtTheStart(t *testing.T) {
	_, err := newAdminGuard(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "config admin.token_file")
	file := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(file, []byte("short\n"), 0o600))
	_, err = newAdminGuard(file)
	require.ErrorContains(t, err, "at least 16")
}

func TestProgramThatIsItsOwnOnlyClient(t *testing.T) {
	f := start(t, func(s *setup) {
		s.config.HTTP.Address = ""
		s.options = append(s.options, WithoutPort())
	})
	conn, err := f.server.Connect()
	require.NoError(t, err)
	defer conn.Close()
	_, err = courtsensev1.NewModelServiceClient(conn).ListModels(f.ctx(), &courtsensev1.ListModelsRequest{})
	require.NoError(t, err)
	_, err = courtsensev1.NewFaceServiceClient(conn).Detect(f.ctx(), &courtsensev1.DetectRequest{})
	requireStatus(t, err, codes.InvalidArgument, rpcerror.ReasonInvalidValue)
}

func TestWithoutPortButWithHTTPAdministrationStaysGuarded(t *testing.T) {
	f := start(t, func(s *setup) { s.options = append(s.options, WithoutPort()) })
	f.http("GET", "/v1/models", "", "X-Forwarded-For", "203.0.113.7").requireStatus(t, 403, "ADMIN_ONLY")
}
