package server

import (
	"context"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// The gateway reaches the gRPC server through memory, not through a port: it needs no certificate, and nobody else can
// pass for it.

// inProcessInfo marks a connection of the gateway.
type inProcessInfo struct{ credentials.CommonAuthInfo }

// AuthType implements credentials.AuthInfo.
func (inProcessInfo) AuthType() string { return "in-process" }

type inProcessConn struct{ net.Conn }

// serverCredentials lets the gateway's connections in as they are and all others by TLS, or as they are without TLS.
type serverCredentials struct {
	credentials.TransportCredentials
}

func newServerCredentials(outer credentials.TransportCredentials) credentials.TransportCredentials {
	if outer == nil {
		outer = insecure.NewCredentials()
	}
	return serverCredentials{outer}
}

// ServerHandshake implements credentials.TransportCredentials.
func (c serverCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if _, ok := conn.(inProcessConn); ok {
		return conn, inProcessInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}, nil
	}
	return c.TransportCredentials.ServerHandshake(conn)
}

// Clone implements credentials.TransportCredentials.
func (c serverCredentials) Clone() credentials.TransportCredentials {
	return serverCredentials{c.TransportCredentials.Clone()}
}

// joinedListener accepts from the port and from memory.
type joinedListener struct {
	net.Listener // the port
	memory       *bufconn.Listener
	accepted     chan accepted
	closed       chan struct{}
	closeOnce    sync.Once

	starting sync.Mutex // accepting may begin while the listener is being closed; guards started and wait's first Add
	started  bool
	wait     sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

func joinListeners(port net.Listener) *joinedListener {
	return &joinedListener{Listener: port, memory: bufconn.Listen(1 << 20), accepted: make(chan accepted), closed: make(chan struct{})}
}

// dial connects to the listener through memory.
func (l *joinedListener) dial(ctx context.Context, _ string) (net.Conn, error) {
	return l.memory.DialContext(ctx)
}

// Accept implements net.Listener.
func (l *joinedListener) Accept() (net.Conn, error) {
	l.start()
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// start begins to accept on both, once, unless the listener is closed already.
func (l *joinedListener) start() {
	l.starting.Lock()
	defer l.starting.Unlock()
	if l.started {
		return
	}
	l.started = true
	select {
	case <-l.closed:
		return
	default:
	}
	l.wait.Add(2)
	go l.accept(l.Listener.Accept)
	go l.accept(func() (net.Conn, error) {
		conn, err := l.memory.Accept()
		return inProcessConn{conn}, err
	})
}

func (l *joinedListener) accept(next func() (net.Conn, error)) {
	defer l.wait.Done()
	for {
		conn, err := next()
		if err != nil {
			conn = nil
		}
		select {
		case l.accepted <- accepted{conn, err}:
		case <-l.closed:
			if conn != nil {
				_ = conn.Close()
			}
			return
		}
		if err != nil && !temporary(err) {
			return
		}
	}
}

// temporary tells errors after which gRPC's own accept loop tries again, such as too many open files.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// Close implements net.Listener.
func (l *joinedListener) Close() error {
	var err error
	l.closeOnce.Do(func() {
		l.starting.Lock()
		close(l.closed)
		l.starting.Unlock()
		err = l.Listener.Close()
		_ = l.memory.Close()
		l.wait.Wait()
	})
	return err
}

// Connect returns a client connection to the server through memory. Its calls go through everything that calls from
// outside go through. The caller closes it.
func (s *Server) Connect() (*grpc.ClientConn, error) { return s.dialInside() }

// noPort is a listener that nobody can connect to.
type noPort struct {
	closed chan struct{}
	once   sync.Once
}

func newNoPort() *noPort { return &noPort{closed: make(chan struct{})} }

// Accept implements net.Listener: it waits for Close.
func (l *noPort) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (l *noPort) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener. kratos wants a TCP address, and port 0 is none that anybody could reach.
func (l *noPort) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
