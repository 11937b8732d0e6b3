package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
)

// authority issues certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir(), pool: x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.key = key
	a.pool.AddCert(a.cert)
	a.file = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	require.NoError(a.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// issue writes a certificate and its key to files of that name and returns the pair.
func (a *authority) issue(name string, serial int64, usage x509.ExtKeyUsage) (certFile, keyFile string, pair tls.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, a.cert, key.Public(), a.key)
	require.NoError(a.t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(a.t, err)
	certFile, keyFile = a.write(name+".pem", "CERTIFICATE", der), a.write(name+".key", "EC PRIVATE KEY", keyDER)
	pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(a.t, err)
	return certFile, keyFile, pair
}

func (f *fixture) detectOver(c *tls.Config) error {
	conn := f.dial(grpc.WithTransportCredentials(credentials.NewTLS(c)))
	defer conn.Close()
	_, err := courtsensev1.NewFaceServiceClient(conn).Detect(f.ctx(), detectRequest())
	return err
}

func (f *fixture) getOver(c *tls.Config) (*http.Response, error) {
	transport := &http.Transport{TLSClientConfig: c.Clone(), DisableKeepAlives: true, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("https://" + f.server.HTTPAddr().String() + "/healthz")
	if err == nil {
		_ = response.Body.Close()
	}
	return response, err
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile, _ := ca.issue("server", 2, x509.ExtKeyUsageServerAuth)
	f := start(t, func(s *setup) {
		s.config.TLS = conf.TLS{CertFile: certFile, KeyFile: keyFile, MinVersion: "1.3"}
	})
	require.NoError(t, f.detectOver(&tls.Config{RootCAs: ca.pool}))
	response, err := f.getOver(&tls.Config{RootCAs: ca.pool})
	require.NoError(t, err)
	assert.Equal(t, 2, response.ProtoMajor)

	_, err = f.faces.Detect(f.ctx(), detectRequest())
	assert.Equal(t, codes.Unavailable, status.Code(err), "plain text is refused")
	assert.Equal(t, codes.Unavailable, status.Code(f.detectOver(&tls.Config{})), "an unknown authority")
	assert.Error(t, f.detectOver(&tls.Config{RootCAs: ca.pool, MaxVersion: tls.VersionTLS12}), "below the lowest version")

	// JSON calls reach the handler inside the process, whatever the port's TLS asks for.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool}, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport}).Get("https://" + f.server.HTTPAddr().String() + "/v1/models")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, 200, r.StatusCode)
}

func TestMutualTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	certFile, keyFile, _ := ca.issue("server", 2, x509.ExtKeyUsageServerAuth)
	_, _, client := ca.issue("client", 3, x509.ExtKeyUsageClientAuth)
	_, _, other := stranger.issue("client", 4, x509.ExtKeyUsageClientAuth)
	f := start(t, func(s *setup) {
		s.config.TLS = conf.TLS{CertFile: certFile, KeyFile: keyFile, ClientCAFile: ca.file}
	})
	known := &tls.Config{RootCAs: ca.pool, Certificates: []tls.Certificate{client}}
	require.NoError(t, f.detectOver(known))
	_, err := f.getOver(known)
	require.NoError(t, err)
	for name, c := range map[string]*tls.Config{
		"no certificate":   {RootCAs: ca.pool},
		"another's client": {RootCAs: ca.pool, Certificates: []tls.Certificate{other}},
	} {
		assert.Equal(t, codes.Unavailable, status.Code(f.detectOver(c)), name)
		_, err := f.getOver(c)
		assert.Error(t, err, name)
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile, _ := ca.issue("server", 2, x509.ExtKeyUsageServerAuth)
	f := start(t, func(s *setup) { s.config.TLS = conf.TLS{CertFile: certFile, KeyFile: keyFile} })
	serials := func() []int64 {
		var out []int64
		for _, address := range []string{f.server.GRPCAddr().String(), f.server.HTTPAddr().String()} {
			conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: ca.pool, NextProtos: []string{"h2"}})
			require.NoError(t, err)
			out = append(out, conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64())
			require.NoError(t, conn.Close())
		}
		return out
	}
	// Some file systems count time in coarse steps: make the change visible in any case.
	touch := func(seconds int) {
		at := time.Now().Add(time.Duration(seconds) * time.Second)
		require.NoError(t, os.Chtimes(certFile, at, at))
	}
	assert.Equal(t, []int64{2, 2}, serials())
	ca.issue("server", 7, x509.ExtKeyUsageServerAuth)
	touch(10)
	assert.Equal(t, []int64{7, 7}, serials())
	require.NoError(t, os.WriteFile(certFile, []byte("half a f"), 0o600))
	touch(20)
	assert.Equal(t, []int64{7, 7}, serials(), "the last good one stays in use")
	assert.Contains(t, f.log.String(), "can't be used")
	require.NoError(t, os.Remove(certFile))
	assert.Equal(t, []int64{7, 7}, serials())
}

func TestWrongTLSFilesAreFoundAtTheStart(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile, _ := ca.issue("server", 2, x509.ExtKeyUsageServerAuth)
	config := conf.Default().Server
	config.GRPC.Address, config.HTTP.Address = "127.0.0.1:0", ""
	for want, files := range map[string]conf.TLS{
		"config server.tls.cert_file":    {CertFile: keyFile, KeyFile: keyFile},
		"no such file":                   {CertFile: certFile, KeyFile: keyFile + ".none"},
		"no PEM certificate in the file": {CertFile: certFile, KeyFile: keyFile, ClientCAFile: keyFile},
	} {
		config.TLS = files
		_, err := New(config, nil)
		require.ErrorContains(t, err, want)
	}
}
