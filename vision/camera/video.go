package camera

import (
	"fmt"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Video writes pictures to a video file, for people to look at: Motion JPEG in AVI, which every OpenCV can write. Its owner
// calls Close.
type Video struct {
	width, height int
	writer        interface {
		write(r *imaging.Raster) error
		close() error
	}
}

// NewVideo makes a file of pictures of one size at a number of them a second. It needs OpenCV.
func NewVideo(path string, fps float64, width, height int) (*Video, error) {
	w, err := newVideoWriter(path, fps, width, height)
	if err != nil {
		return nil, fmt.Errorf("video %s: %w", path, err)
	}
	return &Video{width: width, height: height, writer: w}, nil
}

// Write adds a picture.
func (v *Video) Write(r *imaging.Raster) error {
	if r.Width != v.width || r.Height != v.height {
		return fmt.Errorf("a picture of %dx%d px does not fit into a video of %dx%d", r.Width, r.Height, v.width, v.height)
	}
	return v.writer.write(r)
}

// Close ends the file. It is idempotent.
func (v *Video) Close() error {
	if v == nil || v.writer == nil {
		return nil
	}
	err := v.writer.close()
	v.writer = nil
	return err
}
