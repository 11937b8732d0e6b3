//go:build !gocv_specific_modules || !gocv_videoio

package camera

import (
	"context"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func openVideo(context.Context, Source, imaging.Limits, timeouts) (reader, error) {
	return nil, ErrNoOpenCV
}

type videoWriter struct{}

func newVideoWriter(string, float64, int, int) (*videoWriter, error) { return nil, ErrNoOpenCV }

func (*videoWriter) write(*imaging.Raster) error { return ErrNoOpenCV }

func (*videoWriter) close() error { return nil }
