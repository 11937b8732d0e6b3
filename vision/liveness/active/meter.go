package active

import (
	"context"
	"errors"
	"fmt"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// rivalArea is the share of the main face's area from which on another face makes it doubtful who is meant.
const rivalArea = 0.5

// Meter measures frames with models. It is safe for concurrent use; the models stay their owners' to close.
type Meter struct {
	Detector   *face.Detector
	Landmarker *face.Landmarker
	Embedder   *face.Embedder
	Refine     bool               // whether the dense landmarks place a template's crop, not the detector's
	Options    face.DetectOptions // of the detector
}

// Sight is a frame with the face that was found on it.
type Sight struct {
	Raster      *imaging.Raster
	Face        face.Detection // zero when there is none
	Measurement Measurement
	refined     face.Detection
}

// Look finds and measures the main face of a frame. That there is none is a [Problem], not an error.
func (m *Meter) Look(ctx context.Context, r *imaging.Raster) (Sight, error) {
	s := Sight{Raster: r}
	found, err := m.Detector.Detect(ctx, r, m.Options)
	if err != nil {
		return s, fmt.Errorf("measure frame: %w", err)
	}
	at := face.Main(found, r.Width, r.Height)
	if at < 0 {
		s.Measurement.Problem = NoFace
		return s, nil
	}
	s.Face, s.refined = found[at], found[at]
	for i, other := range found {
		if i != at && other.Box.Area() >= rivalArea*s.Face.Box.Area() {
			s.Measurement.Problem = SeveralFaces
			return s, nil
		}
	}
	for _, p := range s.Face.Landmarks {
		if !(p.X >= 0 && p.Y >= 0 && p.X <= float32(r.Width) && p.Y <= float32(r.Height)) {
			s.Measurement.Problem = CutOff
			return s, nil
		}
	}
	mesh, err := m.Landmarker.Locate(ctx, r, s.Face)
	switch {
	case errors.Is(err, face.ErrDegenerate):
		s.Measurement.Problem = NoFace
		return s, nil
	case err != nil:
		return s, fmt.Errorf("measure frame: %w", err)
	}
	if m.Refine {
		s.refined.Landmarks = mesh.Landmarks()
	}
	s.Measurement = Measure(s.Face, mesh, r.Width, r.Height)
	return s, nil
}

// Template makes the template of the face that Look found, into its measurement.
func (m *Meter) Template(ctx context.Context, s *Sight) error {
	t, err := m.Embedder.Embed(ctx, s.Raster, s.refined)
	if errors.Is(err, face.ErrDegenerate) {
		s.Measurement = Measurement{Problem: NoFace}
		return nil
	}
	if err != nil {
		return fmt.Errorf("measure frame: %w", err)
	}
	s.Measurement.Template = t
	return nil
}
