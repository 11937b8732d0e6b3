//go:build !gocv_specific_modules || !gocv_videoio

package camera

import (
	"context"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func openVideo(context.Context, Source, imaging.Limits, timeouts) (reader, error) {
	return nil, ErrNoOpenCV
}
