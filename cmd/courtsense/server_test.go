package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startServer runs "courtsense serve" in this process until the test ends, and returns its gRPC address.
func startServer(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"serve", "--models", t.TempDir(), "--grpc-address", "127.0.0.1:0", "--http-address", "",
			"--log-level", "error"}, args...), nil, in, os.Stderr)
		_ = in.Close()
		ended <- code
	}()
	address := ""
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "ready after"); {
		if a, ok := strings.CutPrefix(lines.Text(), grpcLine); ok {
			address = a
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	t.Cleanup(func() {
		cancel()
		require.Equal(t, exitOK, <-ended, "serve ends with 0 when it is told to stop")
	})
	require.NotEmpty(t, address)
	return address
}

func TestThroughAServer(t *testing.T) {
	address := startServer(t)
	recording := samples + "/speech/court-en-16k.wav"
	here, there := courtsense(t, "transcribe", recording, "--json"), courtsense(t, "transcribe", recording, "--json", "--server", address)
	require.Zero(t, there.code, there.stderr)
	require.Equal(t, here.stdout, there.stdout, "one code path: the same answer from a server")

	card := samples + "/documents/idcard-specimen.jpg"
	here, there = courtsense(t, "ocr", card), courtsense(t, "ocr", card, "--server", address, "--token", "unused on this server")
	require.Zero(t, there.code, there.stderr)
	require.Equal(t, here.stdout, there.stdout)

	r := courtsense(t, "ocr", card, "--server", address, "--tls")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, address, "--tls")
}

func TestNoServerAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	r := courtsense(t, "ocr", samples+"/documents", "--server", address)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "no server answers at "+address, "courtsense serve")
}

func TestPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	r := courtsense(t, "serve", "--grpc-address", l.Addr().String(), "--http-address", "", "--log-level", "error")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "address already in use", "--grpc-address")
}

func TestTLS(t *testing.T) {
	cert, key := selfSigned(t)
	address := startServer(t, "--set", "server.tls.cert_file="+cert, "--set", "server.tls.key_file="+key)
	recording := samples + "/speech/session-en-8k.wav"
	r := courtsense(t, "transcribe", recording, "--server", address, "--ca", cert)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "channel 0")
	r = courtsense(t, "transcribe", recording, "--server", address, "--tls")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "unknown authority")
	r = courtsense(t, "transcribe", recording, "--server", address)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "does it want --tls?")
}

// selfSigned writes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "courtsense test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}
