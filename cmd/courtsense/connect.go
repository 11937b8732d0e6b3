package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
)

const defaultPort = "9090"

// anySize lifts gRPC's limit on answers: how large one is depends on how much stands on a page.
var anySize = grpc.MaxCallRecvMsgSize(math.MaxInt32)

// connectFlags say where the services are: on a server, or in this process.
type connectFlags struct {
	config              *conf.Flags
	server              string
	tls                 bool
	ca, cert, key       string
	token               string
	inProcess, onServer []string // flags that make sense only there
	// change may change what is assembled in this process; nil: it stays.
	change func(*conf.Config, *app.Options)
}

func addConnectFlags(cmd *cobra.Command) *connectFlags {
	f := &connectFlags{onServer: []string{"tls", "ca", "cert", "key", "token"}, inProcess: []string{"config", "set", "models", "device"}}
	f.config = addConfigFlags(cmd, f.inProcess...)
	set := cmd.Flags()
	set.StringVar(&f.server, "server", "", "use the server at this address (host:port) instead of working in this process")
	set.BoolVar(&f.tls, "tls", false, "speak TLS with the server")
	set.StringVar(&f.ca, "ca", "", "PEM file with the authorities that may vouch for the server; implies --tls")
	set.StringVar(&f.cert, "cert", "", "PEM file with this client's certificate (mTLS); needs --key, implies --tls")
	set.StringVar(&f.key, "key", "", "PEM file with the certificate's private key")
	set.StringVar(&f.token, "token", "", "bearer token for the server; @FILE reads it from a file, which keeps it off the process list")
	return f
}

// connection is a way to the services. Its owner calls Close.
type connection struct {
	*grpc.ClientConn
	server string   // "" in this process
	app    *app.App // nil on a server
	notes  []string // what is missing in this process
	close  []func() error
}

// Close ends the connection, and the services when they are in this process.
func (c *connection) Close() error {
	var errs []error
	for i := len(c.close) - 1; i >= 0; i-- {
		errs = append(errs, c.close[i]())
	}
	c.close = nil
	return errors.Join(errs...)
}

// open connects to the server, or starts the parts in this process.
func (f *connectFlags) open(ctx context.Context, cmd *cobra.Command, c *console, parts app.Part) (*connection, error) {
	wrong := f.inProcess
	if f.server == "" {
		wrong = f.onServer
	}
	for _, name := range wrong {
		if cmd.Flags().Changed(name) {
			if f.server == "" {
				return nil, usagef("--%s needs --server", name)
			}
			return nil, usagef("--%s has no effect with --server: the server has its own configuration", name)
		}
	}
	if f.server != "" {
		return f.dial()
	}
	loaded, err := loadConfig(f.config)
	if err != nil {
		return nil, err
	}
	o := app.Options{Logger: c.logger(), Parts: parts, Progress: func(step string) { c.status("%s ...", step) }}
	if f.change != nil {
		f.change(&loaded.Config, &o)
	}
	a, err := app.New(ctx, loaded.Config, o)
	c.erase()
	if err != nil {
		return nil, err
	}
	session, err := a.InProcess()
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return &connection{ClientConn: session.Conn(), app: a, notes: a.Notes(), close: []func() error{a.Close, session.Close}}, nil
}

func (f *connectFlags) dial() (*connection, error) {
	address := f.server
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), defaultPort)
	}
	secure := f.tls || f.ca != "" || f.cert != "" || f.key != ""
	transport := insecure.NewCredentials()
	if secure {
		config, err := f.tlsConfig()
		if err != nil {
			return nil, err
		}
		transport = credentials.NewTLS(config)
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(transport)}
	if f.token != "" {
		token, err := f.bearer()
		if err != nil {
			return nil, err
		}
		if !secure && !isLoopback(address) {
			return nil, usagef("--token would cross the network in the clear: add --tls")
		}
		options = append(options, grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
			return invoke(withBearer(ctx, token), method, req, reply, cc, o...)
		}), grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
			return open(withBearer(ctx, token), d, cc, method, o...)
		}))
	}
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, usagef("--server %s: %w", f.server, err)
	}
	return &connection{ClientConn: conn, server: address, close: []func() error{conn.Close}}, nil
}

func withBearer(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func (f *connectFlags) bearer() (string, error) {
	path, isFile := strings.CutPrefix(f.token, "@")
	if !isFile {
		return f.token, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", usagef("--token: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func (f *connectFlags) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, usagef("--ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usagef("--ca: %s holds no certificate in PEM form", f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, usagef("--cert and --key belong together: give both")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, usagef("--cert and --key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// reach fails early and once when the server does not answer, instead of once a file.
func (c *connection) reach(ctx context.Context) error {
	if c.server == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c.Connect()
	err := waitReady(ctx, c.ClientConn)
	if err != nil {
		return fmt.Errorf("no server answers at %s (%w): is it running ('courtsense serve'), is the address right, does it want --tls?", c.server, err)
	}
	return nil
}

// callError is what a call's error means to whoever works at the command line.
type callError struct {
	status *status.Status
	reason string // of google.rpc.ErrorInfo
	hint   string
}

func (e *callError) Error() string {
	message := e.status.Message() + " [" + e.reason + "]"
	if e.hint != "" {
		message += "; " + e.hint
	}
	return message
}

// explain turns a gRPC error into one with a reason and a hint; others stay as they are.
func (c *connection) explain(err error) error {
	st, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	e := &callError{status: st, reason: errorReason(st)}
	switch st.Code() {
	case codes.Unavailable:
		e.hint = "the server at " + c.server + " went away: try again, or without --server"
		if c.server == "" {
			e.hint = ""
		}
	case codes.FailedPrecondition:
		e.hint = "see 'courtsense doctor'"
		if strings.Contains(st.Message(), "'courtsense ") {
			e.hint = ""
		}
	case codes.Unauthenticated, codes.PermissionDenied:
		e.hint = "name a token with --token @FILE"
	}
	return e
}
