package camera

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// maxPictureBytes is more than a JPEG of limits' pixels has.
const maxPictureBytes = 16 << 20

// maxRedirects is how often a camera may point elsewhere.
const maxRedirects = 5

// mjpeg reads a stream of JPEG pictures in the parts of one HTTP answer of type multipart/x-mixed-replace.
type mjpeg struct {
	response *http.Response
	client   *http.Client
	parts    *multipart.Reader
	cancel   context.CancelCauseFunc
	watch    *time.Timer // cancels when nothing comes
	read     time.Duration
	limits   imaging.Limits
}

var errSilent = errors.New("the camera has sent nothing for too long")

func openMJPEG(ctx context.Context, s Source, limits imaging.Limits, t timeouts) (*mjpeg, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.New("the camera's address is no URL")
	}
	user := u.User
	u.User = nil
	ctx, cancel := context.WithCancelCause(ctx)
	m := &mjpeg{cancel: cancel, limits: limits, read: t.read}
	m.watch = time.AfterFunc(t.open, func() { cancel(errSilent) })
	m.client = &http.Client{
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: t.open}).DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || via[0].URL.Host != r.URL.Host || via[0].URL.Scheme != r.URL.Scheme {
				return errors.New("the camera points to another address: name that one in the configuration")
			}
			return nil
		},
	}
	if err := m.connect(ctx, u, user); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *mjpeg) connect(ctx context.Context, u *url.URL, user *url.Userinfo) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return errors.New("the camera's address is no URL")
	}
	request.Header.Set("User-Agent", "courtsense")
	if password, ok := user.Password(); ok {
		request.SetBasicAuth(user.Username(), password)
	}
	response, err := m.client.Do(request) //nolint:bodyclose // Close closes it
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		var wrong *url.Error
		if errors.As(err, &wrong) {
			err = wrong.Err // without the address
		}
		return err
	}
	m.response = response
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the camera answers %s", response.Status)
	}
	kind, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") || parameters["boundary"] == "" {
		return fmt.Errorf("the camera sends %.80q, which is no MJPEG (multipart/x-mixed-replace)", response.Header.Get("Content-Type"))
	}
	// Many cameras write the boundary's dashes into its name.
	boundary := strings.TrimPrefix(parameters["boundary"], "--")
	m.parts = multipart.NewReader(bufio.NewReaderSize(&awake{response.Body, m.watch, m.read}, 64<<10), boundary)
	return nil
}

// awake puts the end off with every byte that comes.
type awake struct {
	io.Reader
	watch *time.Timer
	limit time.Duration
}

func (a *awake) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if n > 0 {
		a.watch.Reset(a.limit)
	}
	return n, err
}

// Next implements reader.
func (m *mjpeg) Next(ctx context.Context, want func(time.Duration) bool) (*imaging.Raster, time.Duration, error) {
	part, err := m.parts.NextRawPart()
	if err != nil {
		return nil, 0, fmt.Errorf("the camera's stream ended: %w", m.cause(err))
	}
	content, err := readPart(part)
	if err != nil {
		return nil, 0, fmt.Errorf("the camera's stream broke off: %w", m.cause(err))
	}
	if len(content) > maxPictureBytes {
		return nil, 0, &badPicture{fmt.Errorf("it has more than %d bytes", maxPictureBytes)}
	}
	if !want(0) {
		return nil, 0, nil
	}
	r, h, err := codec.Decode(ctx, content, m.limits)
	if err == nil && h.Format != imaging.JPEG {
		err = fmt.Errorf("it is a %v", h.Format)
	}
	if err != nil {
		return nil, 0, &badPicture{err}
	}
	return r, 0, nil
}

// readPart reads a part that tells its length as far as that, since its end is only known with the next one's beginning: at a
// picture in five seconds that would be five seconds late.
func readPart(part *multipart.Part) ([]byte, error) {
	n, err := strconv.Atoi(part.Header.Get("Content-Length"))
	if err != nil || n < 1 || n > maxPictureBytes {
		return io.ReadAll(io.LimitReader(part, maxPictureBytes+1))
	}
	content := make([]byte, n)
	n, err = io.ReadFull(part, content)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // it has said too much; what there is may be a picture
	}
	return content[:n], err
}

func (m *mjpeg) cause(err error) error {
	if cause := context.Cause(m.response.Request.Context()); cause != nil {
		return cause
	}
	return err
}

// Close implements reader.
func (m *mjpeg) Close() error {
	m.watch.Stop()
	m.cancel(nil)
	if m.response != nil {
		m.response.Body.Close()
	}
	m.client.CloseIdleConnections()
	return nil
}
