package app

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/courtsense/courtsense/api"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/version"
)

// Session is the app as its own server and client: calls go through everything that calls from outside go through, and
// no port is opened.
type Session struct {
	conn   *grpc.ClientConn
	cancel context.CancelFunc
	done   chan error
}

// NewServer binds the configured ports for the services. [server.Server.Run] serves them; [App.Announce] makes them ready.
func (a *App) NewServer() (*server.Server, error) {
	options := []server.Option{server.WithAdminToken(a.cfg.Admin.TokenFile)}
	if !a.cfg.Telemetry.Metrics.Enabled {
		options = append(options, server.WithoutMetricsPage())
	}
	if a.cfg.Telemetry.Log.PeerAddress {
		options = append(options, server.WithPeerAddressInLog())
	}
	return a.newServer(a.cfg.Server, options...)
}

func (a *App) newServer(cfg conf.Server, options ...server.Option) (*server.Server, error) {
	options = append(options, server.WithLogger(a.log), server.WithVersion(version.String()),
		server.WithOpenAPI(api.OpenAPI), server.WithUnserved(api.Unserved), server.WithServed(served))
	if a.o.Metrics != nil {
		options = append(options, server.WithMetrics(a.o.Metrics))
	}
	return server.New(cfg, a.Services(), options...)
}

// served looks a method up in the contract, which marks those that this version does not serve.
func served(service, method string) bool {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		return true // none of the contract's
	}
	m, ok := d.(protoreflect.MethodDescriptor)
	return !ok || api.MethodServed(m)
}

// InProcess starts the services for calls from this process. The caller closes the session before the app.
func (a *App) InProcess() (*Session, error) {
	cfg := a.cfg.Server
	cfg.HTTP.Address = ""
	cfg.TLS.CertFile, cfg.TLS.KeyFile, cfg.TLS.ClientCAFile = "", "", ""
	s, err := a.newServer(cfg, server.WithoutPort())
	if err != nil {
		return nil, fmt.Errorf("start in this process: %w", err)
	}
	conn, err := s.Connect()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	// Whoever works in this process ends it by closing the session, so a signal is not the server's to handle here.
	ctx, cancel := context.WithCancel(context.Background())
	session := &Session{conn: conn, cancel: cancel, done: make(chan error, 1)}
	go func() { session.done <- s.Run(ctx) }()
	a.Announce(s)
	return session, nil
}

// Conn returns the connection for clients of the contract.
func (s *Session) Conn() *grpc.ClientConn { return s.conn }

// Close ends the connection and the server behind it. It is to be called once.
func (s *Session) Close() error {
	err := s.conn.Close()
	s.cancel()
	return errors.Join(err, <-s.done)
}
