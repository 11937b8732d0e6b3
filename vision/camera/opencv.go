//go:build gocv_specific_modules && gocv_videoio

package camera

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"gocv.io/x/gocv"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Properties of OpenCV's FFmpeg reader that gocv has no names for (opencv2/videoio.hpp).
const (
	openTimeout gocv.VideoCaptureProperties = 53 // CAP_PROP_OPEN_TIMEOUT_MSEC
	readTimeout gocv.VideoCaptureProperties = 54 // CAP_PROP_READ_TIMEOUT_MSEC
)

// capture reads through OpenCV.
type capture struct {
	source Source
	video  *gocv.VideoCapture
	frame  gocv.Mat
	limits imaging.Limits
	fps    float64
	number int64
	opened time.Time
	skips  bool // frames can be grabbed without being decoded to pixels
}

// openVideo opens RTSP, devices and files. It blocks for the timeout at most; ctx can't end it earlier.
func openVideo(_ context.Context, s Source, limits imaging.Limits, t timeouts) (reader, error) {
	var video *gocv.VideoCapture
	var err error
	switch s.Kind {
	case Device:
		video, err = gocv.OpenVideoCapture(s.Device)
	case File:
		if _, err := os.Stat(s.Path); err != nil {
			return nil, err
		}
		video, err = gocv.VideoCaptureFileWithAPI(s.Path, gocv.VideoCaptureFFmpeg)
	default:
		video, err = gocv.OpenVideoCaptureWithAPIParams(s.URL, gocv.VideoCaptureFFmpeg, []gocv.VideoCaptureProperties{
			openTimeout, gocv.VideoCaptureProperties(t.open.Milliseconds()), readTimeout, gocv.VideoCaptureProperties(t.read.Milliseconds()),
		})
	}
	if err != nil {
		// gocv's text has the address with its password, and no cause.
		err = errors.New("it can't be opened: it does not answer, refuses, or is no video")
	}
	if err == nil && !video.IsOpened() {
		err = errors.New("it can't be opened")
	}
	if err != nil {
		if video != nil {
			err = errors.Join(err, video.Close())
		}
		return nil, err
	}
	c := &capture{source: s, video: video, frame: gocv.NewMat(), limits: limits, fps: video.Get(gocv.VideoCaptureFPS), opened: time.Now(), skips: s.Kind != Device}
	if !(c.fps > 0 && c.fps <= 1000) {
		c.fps = 25
	}
	return c, nil
}

// Next implements reader.
func (c *capture) Next(ctx context.Context, want func(time.Duration) bool) (*imaging.Raster, time.Duration, error) {
	at := time.Duration(0)
	if c.source.Kind == File {
		at = time.Duration(float64(c.number) / c.fps * float64(time.Second))
		if c.source.Realtime {
			if err := sleep(ctx, time.Until(c.opened.Add(at))); err != nil {
				return nil, 0, err
			}
		}
	}
	c.number++
	if c.skips {
		// Grab does not tell whether there was a frame; the reader's own count does.
		before := c.video.Get(gocv.VideoCapturePosFrames)
		if err := c.video.Grab(1); err != nil {
			return nil, 0, fmt.Errorf("reading the video: %w", err)
		}
		if c.video.Get(gocv.VideoCapturePosFrames) == before {
			return nil, at, c.ended()
		}
		if !want(at) {
			return nil, at, nil
		}
		if !c.video.Retrieve(&c.frame) {
			return nil, at, &badPicture{errors.New("it can't be decoded")}
		}
	} else if !c.video.Read(&c.frame) {
		return nil, at, c.ended()
	}
	r, err := c.raster()
	return r, at, err
}

func (c *capture) ended() error {
	if c.source.Kind == File && c.number > 1 {
		return errEnd
	}
	return errors.New("no further picture comes")
}

func (c *capture) raster() (*imaging.Raster, error) {
	width, height := c.frame.Cols(), c.frame.Rows()
	switch {
	case c.frame.Empty() || c.frame.Type() != gocv.MatTypeCV8UC3:
		return nil, &badPicture{errors.New("it is empty")}
	case c.limits.MaxPixels > 0 && int64(width)*int64(height) > c.limits.MaxPixels:
		return nil, &badPicture{fmt.Errorf("its %dx%d px exceed max_pixels %d (config limits.max_pixels)", width, height, c.limits.MaxPixels)}
	}
	m := c.frame
	if !m.IsContinuous() {
		m = m.Clone()
		defer m.Close()
	}
	pixels, err := m.DataPtrUint8()
	if err != nil {
		return nil, &badPicture{err}
	}
	r := imaging.NewRaster(width, height)
	copy(r.Pix, pixels)
	return r, nil
}

// Close implements reader.
func (c *capture) Close() error { return errors.Join(c.frame.Close(), c.video.Close()) }
