package service

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/liveness"
	"github.com/courtsense/courtsense/vision/quality"
)

const (
	// fullWeight is the distance of the eyes, in pixels, from which on a larger face weighs no more in a gate's vote: about
	// that of the picture that the embedding models look at.
	fullWeight = 40.0
	// keepShare is the share of the detector's threshold from which on a detection continues a track.
	keepShare = 0.7
	// gateCandidates is how many persons of each gallery a frame votes on.
	gateCandidates = 5
	// sameFMR and otherFMR are the rates at which strangers reach the similarity from which on two faces in front of one camera
	// within moments are taken for the same person's, and below which for two people's.
	sameFMR, otherFMR = 1e-3, 0.05
	// sayEvery is how often the same thing about a gallery is logged.
	sayEvery = time.Minute
)

// GateRecogniser runs the face models and searches the galleries for gates, as the calls do. It implements [gate.Recogniser].
type GateRecogniser struct {
	face *Face
	fpir float64

	mu   sync.Mutex
	said map[string]time.Time
}

// NewGateRecogniser returns a recogniser that takes a stranger for anybody in a zone's galleries at the false positive
// identification rate, a passage; 0 is the default, 1e-3. Where the calibration can't support it, the threshold is an estimate.
func (s *Face) NewGateRecogniser(fpir float64) *GateRecogniser {
	if fpir == 0 {
		fpir = defaultFPIR
	}
	return &GateRecogniser{face: s, fpir: fpir, said: map[string]time.Time{}}
}

// Scores are the detector's scores from which on tracks begin and go on.
func (r *GateRecogniser) Scores() (gate.TrackerConfig, error) {
	detector, err := r.face.detectors.get("")
	if err != nil {
		return gate.TrackerConfig{}, err
	}
	o, err := detector.Effective(r.face.cfg.Options)
	if err != nil {
		return gate.TrackerConfig{}, err
	}
	return gate.TrackerConfig{StartScore: o.MinScore, KeepScore: keepShare * o.MinScore}, nil
}

// Ready says what is missing of what a gate needs.
func (r *GateRecogniser) Ready(ctx context.Context, live bool) error {
	_, err := r.face.store(ctx)
	if _, e := r.face.detectors.get(""); e != nil {
		err = errors.Join(err, e)
	}
	m, e := r.face.embeddings.get("")
	if e == nil {
		_, e = r.face.curve(m)
	}
	err = errors.Join(err, e)
	if live {
		_, e := r.face.livenessMembers()
		err = errors.Join(err, e)
	}
	return err
}

// Detect implements [gate.Recogniser].
func (r *GateRecogniser) Detect(ctx context.Context, frame *imaging.Raster) ([]face.Detection, error) {
	detector, err := r.face.detectors.get("")
	if err != nil {
		return nil, err
	}
	o, err := detector.Effective(r.face.cfg.Options)
	if err != nil {
		return nil, err
	}
	o.MinScore *= keepShare
	return detector.Detect(ctx, frame, o)
}

// Look implements [gate.Recogniser].
func (r *GateRecogniser) Look(ctx context.Context, frame *imaging.Raster, faces []face.Detection, i int, galleries []string) (gate.Look, error) {
	var none gate.Look
	s := r.face
	// Of several people in the picture each is looked at alone.
	v := sight{picture: frame, faces: faces[i : i+1], main: 0}
	if s.flaw(v) != nil {
		return none, nil
	}
	store, err := s.store(ctx)
	if err != nil {
		return none, err
	}
	found, err := r.find(ctx, store, galleries)
	if err != nil {
		return none, err
	}
	curve, err := s.curve(found.model)
	if err != nil {
		return none, err
	}
	// The pose from five points does: the dense landmarks are found once, for the template.
	judged, err := quality.NewAssessor(nil).Assess(ctx, frame, v.faces, 0, quality.Gate)
	if err != nil {
		return none, err
	}
	template, flawed, err := s.template(ctx, found.model, v)
	if err != nil || flawed != nil {
		return none, err
	}
	area, worth := math.Min(eyeDistance(faces[i])/fullWeight, 1), float64(judged.Score)/100
	l := gate.Look{Weight: area * area * worth * worth, Template: template, Rule: r.rule(curve, found.templates)}
	for _, name := range found.names {
		candidates, err := store.Identify(ctx, name, gallery.Probe{Model: found.model.ref(), Template: template}, gateCandidates)
		if errors.Is(err, gallery.ErrNotFound) {
			continue // deleted just now
		}
		if err != nil {
			return none, err
		}
		for _, c := range candidates {
			l.Candidates = append(l.Candidates, gate.Candidate{
				Person: gate.PersonRef{Gallery: name, ID: c.Person.ID, Labels: c.Person.Labels}, Cosine: c.Cosine,
			})
		}
	}
	return l, nil
}

// searched are the galleries of a zone that there are, all of one model.
type searched struct {
	names     []string
	templates int
	model     *embedding
}

// find looks the galleries up. One that there is not lets nobody in, and is said; the others are searched all the same.
func (r *GateRecogniser) find(ctx context.Context, store *gallery.Store, names []string) (searched, error) {
	var out searched
	id := ""
	for _, name := range names {
		g, err := store.Gallery(ctx, name)
		if errors.Is(err, gallery.ErrNotFound) {
			r.say(ctx, "the gates' policy names a gallery that there is not", name)
			continue
		}
		if err != nil {
			return out, err
		}
		if out.model == nil {
			id = g.Model.ID
			if out.model, err = r.face.embeddings.get(id); err != nil {
				return out, err
			}
		} else if g.Model.ID != id {
			r.say(ctx, "a zone's galleries are of several models; those of another model than the first are not searched", name)
			continue
		}
		out.names, out.templates = append(out.names, name), out.templates+g.Templates
	}
	if out.model == nil {
		// Nobody to find; who it is not is known all the same.
		var err error
		out.model, err = r.face.embeddings.get("")
		return out, err
	}
	return out, nil
}

func (r *GateRecogniser) say(ctx context.Context, what, gallery string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := what + gallery; time.Since(r.said[key]) > sayEvery {
		r.said[key] = time.Now()
		slog.WarnContext(ctx, what, "gallery", gallery)
	}
}

// rule shares a passage's rate among the templates that are searched, and the frames that vote (see [gate.Quorum]).
func (r *GateRecogniser) rule(c *calibration.Curve, templates int) gate.Rule {
	threshold := func(fmr float64) float32 {
		if t, err := c.Threshold(fmr); err == nil {
			return t
		}
		return c.Extrapolate(fmr)
	}
	fmr := min(gate.Quorum*r.fpir/float64(max(templates, 1)), mostFMR)
	out := gate.Rule{
		FMR: fmr, Threshold: threshold(fmr), Rate: c.FMR, MeasuredOn: c.Data.String(), Same: threshold(sameFMR), Other: threshold(otherFMR),
	}
	if fmr < c.Lowest() {
		out.MeasuredOn += "; the threshold is an estimate beyond it"
	}
	return out
}

// Live implements [gate.Recogniser].
func (r *GateRecogniser) Live(ctx context.Context, frames []liveness.Frame) (liveness.Result, error) {
	members, err := r.face.livenessMembers()
	if err != nil {
		return liveness.Result{}, err
	}
	checker, err := liveness.NewChecker(members)
	if err != nil {
		return liveness.Result{}, &pipeline.Failure{Reason: pipeline.Backend, Err: err}
	}
	return checker.Check(ctx, frames)
}

// Models implements [gate.Recogniser].
func (r *GateRecogniser) Models() []gate.Model {
	cfg := r.face.cfg
	var out []gate.Model
	add := func(task string, ids ...string) {
		for _, id := range ids {
			m, err := cfg.Engine.Model(id)
			if id == "" || err != nil {
				continue
			}
			i := m.Identity()
			out = append(out, gate.Model{Task: task, ID: i.ID, Version: i.Version, SHA256: i.SHA256, Device: i.Device, Source: i.Source})
		}
	}
	add(models.TaskFaceDetection, cfg.Detector.ID)
	add(models.TaskFaceLandmarks, cfg.Landmarks.ID)
	add(models.TaskFaceEmbedding, cfg.Embedding.ID)
	add(models.TaskFaceLiveness, cfg.Liveness.IDs...)
	return out
}
