package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/courtsense/courtsense/models"
)

// errNoSource means that the origin does not have the file and never will.
var errNoSource = errors.New("no source")

const maxRedirects = 10

// origin is where files come from.
type origin interface {
	// locate names the file's place for messages and for the state of a resumed transfer.
	locate(f models.File) (string, error)
	// open starts reading at offset, which the origin may ignore: the answer says where the body begins.
	open(ctx context.Context, place string, offset int64, v validator) (body, error)
}

// validator identifies one version of a file on a server (RFC 9110, 8.8): a strong ETag, else a modification date.
type validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

func (v validator) ifRange() string {
	if v.ETag != "" {
		return v.ETag
	}
	return v.LastModified
}

type body struct {
	io.ReadCloser
	offset    int64 // of the first byte
	total     int64 // length of the whole file, -1 when not known
	validator validator
}

func newOrigin(cfg Config) (origin, error) {
	client := cfg.Client
	if client == nil {
		client = defaultClient()
	}
	web := &webOrigin{client: client}
	if cfg.Mirror == "" {
		return web, nil
	}
	if u, err := url.Parse(cfg.Mirror); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		// Credentials travel in a header only: places are written to logs, messages and the lock file.
		web.user, u.User = u.User, nil
		web.mirror = u
		return web, nil
	}
	dir := strings.TrimPrefix(cfg.Mirror, "file://")
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("mirror: %w (want a folder or an http(s) URL)", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("mirror %s is not a folder", dir)
	}
	return folderOrigin(dir), nil
}

// folderOrigin is a folder laid out like a store.
type folderOrigin string

func (d folderOrigin) locate(f models.File) (string, error) {
	p := filepath.Join(string(d), filepath.FromSlash(f.Path))
	if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("%w: %s is not in the mirror %s", errNoSource, f.Path, string(d))
	}
	return p, nil
}

func (d folderOrigin) open(_ context.Context, place string, _ int64, _ validator) (body, error) {
	f, err := os.Open(place)
	if err != nil {
		return body{}, backoff.Permanent(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", place)
	}
	if err != nil {
		return body{}, backoff.Permanent(errors.Join(err, f.Close()))
	}
	return body{ReadCloser: f, total: info.Size()}, nil
}

// webOrigin is each file's own URL, or a mirror's.
type webOrigin struct {
	client *http.Client
	mirror *url.URL
	user   *url.Userinfo // for the mirror, nil: none
}

func (w *webOrigin) locate(f models.File) (string, error) {
	if w.mirror != nil {
		return w.mirror.JoinPath(f.Path).String(), nil
	}
	if f.URL == "" {
		return "", fmt.Errorf("%w: %s is published nowhere as it is: copy it into the store or pull it from a mirror", errNoSource, f.Path)
	}
	return f.URL, nil
}

func (w *webOrigin) open(ctx context.Context, place string, offset int64, v validator) (body, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return body{}, backoff.Permanent(err)
	}
	// A compressed answer would make offsets and lengths mean something else.
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "courtsense-models")
	if w.user != nil {
		password, _ := w.user.Password()
		req.SetBasicAuth(w.user.Username(), password)
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		if tag := v.ifRange(); tag != "" {
			req.Header.Set("If-Range", tag)
		}
	}
	resp, err := w.client.Do(req)
	if err != nil {
		if errors.Is(err, errRedirect) {
			return body{}, backoff.Permanent(err)
		}
		return body{}, err
	}
	b := body{ReadCloser: resp.Body, total: resp.ContentLength, validator: validatorOf(resp.Header)}
	switch resp.StatusCode {
	case http.StatusOK:
		return b, nil
	case http.StatusPartialContent:
		b.offset, b.total, err = contentRange(resp.Header.Get("Content-Range"))
		if err == nil && b.offset != offset {
			err = fmt.Errorf("asked for byte %d, got %d", offset, b.offset)
		}
		if err != nil {
			return body{}, errors.Join(fmt.Errorf("GET %s: %w", place, err), resp.Body.Close())
		}
		return b, nil
	}
	err = errors.Join(fmt.Errorf("GET %s: %s", place, resp.Status), resp.Body.Close())
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return body{}, errors.Join(errRange, err)
	case resp.StatusCode == http.StatusNotFound && w.mirror != nil:
		return body{}, backoff.Permanent(fmt.Errorf("%w: %w", errNoSource, err))
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		if s, e := strconv.Atoi(resp.Header.Get("Retry-After")); e == nil && s > 0 && s <= 60 {
			return body{}, errors.Join(err, backoff.RetryAfter(s))
		}
		return body{}, err
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout:
		return body{}, err
	}
	return body{}, backoff.Permanent(err)
}

// errRange means that the server has no bytes from there on: what lies in the store is not a beginning of its file.
var errRange = errors.New("range not satisfiable")

func validatorOf(h http.Header) validator {
	v := validator{ETag: h.Get("ETag"), LastModified: h.Get("Last-Modified")}
	if strings.HasPrefix(v.ETag, "W/") {
		v.ETag = "" // weak: equal tags do not promise equal bytes
	}
	return v
}

func contentRange(s string) (start, total int64, err error) {
	var end int64
	spec, all, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, ok2 := strings.Cut(spec, "-")
	if !ok || !ok2 || !strings.HasPrefix(s, "bytes ") {
		return 0, 0, fmt.Errorf("bad Content-Range %q", s)
	}
	if start, err = strconv.ParseInt(from, 10, 64); err == nil {
		end, err = strconv.ParseInt(to, 10, 64)
	}
	total = -1
	if err == nil && all != "*" {
		total, err = strconv.ParseInt(all, 10, 64)
	}
	if err != nil || start < 0 || end < start || (total >= 0 && total != end+1) {
		return 0, 0, fmt.Errorf("bad Content-Range %q", s)
	}
	return start, total, nil
}

var errRedirect = errors.New("refused redirect")

func defaultClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 30 * time.Second
	// No client timeout: a big file may take hours; the stall watch ends a dead transfer.
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("%w: more than %d", errRedirect, maxRedirects)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("%w: from https to %s", errRedirect, req.URL.Scheme)
	}
	return nil
}
