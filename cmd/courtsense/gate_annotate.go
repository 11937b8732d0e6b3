package main

import (
	"fmt"
	"sync"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/gate"
)

// shownLines is how many of the last events stand at the picture's edge.
const shownLines = 5

// annotator draws what a gate made of its pictures, and writes them as a video.
type annotator struct {
	video *camera.Video

	mu     sync.Mutex
	events []gate.Event // the last ones
}

func newAnnotator(video *camera.Video) *annotator { return &annotator{video: video} }

func colourOf(t gate.Type) draw.Color {
	switch t {
	case gate.Admitted:
		return draw.Green
	case gate.Refused, gate.Spoof, gate.Tailgating, gate.CameraLost:
		return draw.Red
	case gate.Unknown:
		return draw.Orange
	}
	return draw.Blue
}

func (a *annotator) show(f gate.Frame, o gate.Observation) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, o.Events...)
	a.events = a.events[max(len(a.events)-shownLines, 0):]
	r, err := annotateGate(f.Image, o, a.events)
	if err != nil {
		return err
	}
	return a.video.Write(r)
}

// annotateGate draws faces with their track's number and decision; a predicted box has a thin line. The last events stand below.
func annotateGate(picture *imaging.Raster, o gate.Observation, events []gate.Event) (*imaging.Raster, error) {
	r := imaging.NewRaster(picture.Width, picture.Height)
	copy(r.Pix, picture.Pix)
	stroke, size := draw.Stroke(r), draw.LabelSize(r)
	for _, t := range o.Tracks {
		colour, line := colourOf(t.Decision), stroke
		if !t.Seen {
			line = stroke / 2
		}
		draw.Rect(r, float64(t.Box.X), float64(t.Box.Y), float64(t.Box.W), float64(t.Box.H), colour, line)
		text := fmt.Sprintf("#%d", t.ID)
		switch {
		case t.Person.ID != "":
			text += " " + t.Person.ID
		case t.Decision != 0:
			text += " " + t.Decision.String()
		case t.Frames > 0:
			text += fmt.Sprintf(" %d looks", t.Frames)
		}
		if err := draw.Label(r, float64(t.Box.X), float64(t.Box.Y), text, colour, size); err != nil {
			return nil, err
		}
	}
	for i, e := range events {
		text := e.Time.Format("15:04:05 ") + e.Type.String()
		for _, part := range []string{e.Person.ID, e.Rule, e.Reason} {
			if part != "" {
				text += "  " + part
			}
		}
		if err := draw.Label(r, size/2, float64(r.Height)-size*1.6*float64(len(events)-i-1)-size/2, text, colourOf(e.Type), size); err != nil {
			return nil, err
		}
	}
	return r, nil
}
