package camera

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// ErrNoOpenCV is the error of a source that this build can't read.
var ErrNoOpenCV = errors.New("this program was built without OpenCV, which reads RTSP streams, devices and video files: build it with 'make build' where OpenCV is installed; MJPEG over HTTP works without")

// errEnd is the end of a file.
var errEnd = errors.New("the file has ended")

// Kind is what a source is.
type Kind int

// The kinds.
const (
	RTSP Kind = iota + 1
	Device
	File
	MJPEG
)

// Source is where pictures come from. Its String is safe to log.
type Source struct {
	Kind   Kind
	URL    string // RTSP and MJPEG: with its password
	Device int    // number of the device
	Path   string // of the file
	// Loop begins a file again when it ends, and Realtime plays it as fast as it was taken, as a camera would, not as fast as
	// it can be read.
	Loop, Realtime bool
}

var devicePath = regexp.MustCompile(`^/dev/video([0-9]{1,3})$`)

// ParseSource reads a source as it stands in the configuration: "rtsp://...", "rtsps://...", "http://..." and "https://..."
// (MJPEG), "device:N" or "/dev/videoN", "file:PATH", with "?loop" or "?realtime" behind it, or both.
func ParseSource(text string) (Source, error) {
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case devicePath.MatchString(text):
		rest = devicePath.FindStringSubmatch(text)[1]
		fallthrough
	case kind == "device":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n > 999 {
			return Source{}, fmt.Errorf("camera source %q: write the device's number, device:0", text)
		}
		return Source{Kind: Device, Device: n}, nil
	case kind == "file":
		path, options, _ := strings.Cut(rest, "?")
		s := Source{Kind: File, Path: path}
		if path == "" {
			return Source{}, errors.New("camera source file: names no file; write file:PATH")
		}
		for _, o := range strings.Split(options, "&") {
			switch o {
			case "":
			case "loop":
				s.Loop = true
			case "realtime":
				s.Realtime = true
			default:
				return Source{}, fmt.Errorf("camera source %q: unknown option %q; there are loop and realtime", text, o)
			}
		}
		return s, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		// A URL's error would repeat its password.
		return Source{}, errors.New("a camera source is rtsp://HOST/..., http://HOST/... (MJPEG), device:N or file:PATH; this one is none of them")
	}
	switch u.Scheme {
	case "rtsp", "rtsps":
		return Source{Kind: RTSP, URL: text}, nil
	case "http", "https":
		return Source{Kind: MJPEG, URL: text}, nil
	}
	return Source{}, fmt.Errorf("camera source of scheme %q: there are rtsp, rtsps, http and https (MJPEG), device and file", u.Scheme)
}

// String names the source without user, password or query.
func (s Source) String() string {
	switch s.Kind {
	case Device:
		return "device:" + strconv.Itoa(s.Device)
	case File:
		return "file:" + s.Path
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return "camera"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// live tells whether pictures come when they come, so that one which nobody has time for is dropped.
func (s Source) live() bool { return s.Kind != File || s.Realtime }

// timeouts bound a source's waits.
type timeouts struct{ open, read time.Duration }

// reader is an open source. Only one goroutine uses it.
type reader interface {
	// Next waits for the next picture. Where want, asked with the picture's time, does not want it, it may be nil. A picture
	// that can't be read is a *badPicture; any other error ends the reader. at is how long after the source's beginning a
	// file's picture is, and 0 where the time is that of its arrival.
	Next(ctx context.Context, want func(at time.Duration) bool) (r *imaging.Raster, at time.Duration, err error)
	Close() error
}

// badPicture is one that is left out.
type badPicture struct{ err error }

func (e *badPicture) Error() string { return "a picture could not be read: " + e.err.Error() }
func (e *badPicture) Unwrap() error { return e.err }
