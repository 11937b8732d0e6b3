package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/courtsense/courtsense/internal/conf"
)

// certificates reads the TLS files, and reads them again when a handshake finds them changed. Files that can't be used
// (half written, wrong key) are reported once and the last good ones stay in use.
type certificates struct {
	config conf.TLS
	logger *slog.Logger

	mu      sync.Mutex
	stamp   [3]fileStamp
	failed  [3]fileStamp
	current *tls.Config
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// newCertificates returns nil when TLS is not configured.
func newCertificates(c conf.TLS, logger *slog.Logger) (*certificates, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	t := &certificates{config: c, logger: logger}
	stamp, err := t.stamps()
	if err != nil {
		return nil, err
	}
	current, err := t.read()
	if err != nil {
		return nil, err
	}
	t.stamp, t.current = stamp, current
	return t, nil
}

// forProtocols returns a configuration that asks for the current files at each handshake.
func (t *certificates) forProtocols(protocols ...string) *tls.Config {
	c := t.latest().Clone()
	c.NextProtos = protocols
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := t.latest().Clone()
		now.NextProtos = protocols
		return now, nil
	}
	return c
}

func (t *certificates) latest() *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	stamp, err := t.stamps()
	if err == nil && (stamp == t.stamp || stamp == t.failed) {
		return t.current
	}
	var fresh *tls.Config
	if err == nil {
		fresh, err = t.read()
	}
	if err != nil {
		if stamp != t.failed {
			t.logger.Error("TLS files changed but can't be used; the previous ones stay in use", "error", err)
		}
		t.failed = stamp
		return t.current
	}
	t.stamp, t.current = stamp, fresh
	t.logger.Info("TLS files read again")
	return fresh
}

func (t *certificates) stamps() (out [3]fileStamp, err error) {
	for i, path := range []string{t.config.CertFile, t.config.KeyFile, t.config.ClientCAFile} {
		if path == "" {
			continue
		}
		info, e := os.Stat(path)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("TLS: %w", e))
			continue
		}
		out[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return out, err
}

func (t *certificates) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(t.config.CertFile, t.config.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate (config server.tls.cert_file, server.tls.key_file): %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if t.config.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if t.config.ClientCAFile != "" {
		pem, err := os.ReadFile(t.config.ClientCAFile)
		if err != nil {
			return nil, fmt.Errorf("TLS client authorities (config server.tls.client_ca_file): %w", err)
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("TLS client authorities (config server.tls.client_ca_file): no PEM certificate in the file")
		}
	}
	return c, nil
}
