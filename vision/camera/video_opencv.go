//go:build gocv_specific_modules && gocv_videoio

package camera

import (
	"errors"

	"gocv.io/x/gocv"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

type videoWriter struct{ w *gocv.VideoWriter }

func newVideoWriter(path string, fps float64, width, height int) (*videoWriter, error) {
	w, err := gocv.VideoWriterFile(path, "MJPG", fps, width, height, true)
	if err == nil && !w.IsOpened() {
		err = errors.Join(errors.New("it can't be written"), w.Close())
	}
	if err != nil {
		return nil, err
	}
	return &videoWriter{w}, nil
}

func (v *videoWriter) write(r *imaging.Raster) error {
	m, err := gocv.NewMatFromBytes(r.Height, r.Width, gocv.MatTypeCV8UC3, r.Pix)
	if err != nil {
		return err
	}
	return errors.Join(v.w.Write(m), m.Close())
}

func (v *videoWriter) close() error { return v.w.Close() }
