package service

import (
	"context"
	"errors"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/page"
	"github.com/courtsense/courtsense/ocr/reader"
	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// PageModelsConfig sets up [PageModels]. Models are named by their ids and must be loaded.
type PageModelsConfig struct {
	Engine                 Models
	Detection, Recognition string // needed
	Orientation, Direction string // "" when there is none
	// Keys returns the characters that a recognition model reads, as its keys file has them.
	Keys         func(id string) ([]byte, error)
	Enhancer     ocr.Enhancer
	Corrector    reader.Corrector // nil when there is no language model
	CorrectorUse *pb.ModelUse     // of the language model, for provenance
	Orderer      reader.Orderer
}

// PageModels read pages with the models of the engine. A model that was replaced by another version is bound anew.
type PageModels struct {
	cfg        PageModelsConfig
	detectors  bindings[*text.Detector]
	lines      bindings[*text.Recognizer]
	directions bindings[*text.Direction]
	orienters  bindings[*page.Orienter]
}

// NewPageModels returns the models. It holds nothing that would have to be closed.
func NewPageModels(cfg PageModelsConfig) *PageModels {
	m := &PageModels{cfg: cfg}
	m.detectors = bindings[*text.Detector]{engine: cfg.Engine, task: models.TaskTextDetection, active: cfg.Detection, bind: text.NewDetector}
	m.lines = bindings[*text.Recognizer]{engine: cfg.Engine, task: models.TaskTextRecognition, active: cfg.Recognition, bind: m.bindLines}
	m.directions = bindings[*text.Direction]{engine: cfg.Engine, task: models.TaskTextOrientation, active: cfg.Direction, bind: text.NewDirection}
	m.orienters = bindings[*page.Orienter]{engine: cfg.Engine, task: models.TaskTextOrientation, active: cfg.Orientation, bind: m.bindOrienter}
	return m
}

func (m *PageModels) bindLines(x pipeline.Executor, e models.Entry) (*text.Recognizer, error) {
	keys, err := m.cfg.Keys(e.ID)
	if err != nil {
		return nil, err
	}
	return text.NewRecognizer(x, e, keys)
}

func (m *PageModels) bindOrienter(x pipeline.Executor, e models.Entry) (*page.Orienter, error) {
	return page.NewOrienter(x, e, liveVerifier{m})
}

// liveVerifier reads with the versions that serve at the moment.
type liveVerifier struct{ m *PageModels }

// Verify implements [page.Verifier].
func (v liveVerifier) Verify(ctx context.Context, r *imaging.Raster, degrees []int) (int, float32, error) {
	detector, errDetector := v.m.detectors.get("")
	lines, errLines := v.m.lines.get("")
	if err := errors.Join(errDetector, errLines); err != nil {
		return 0, 0, err
	}
	verifier, err := reader.NewVerifier(stagedDetector{detector}, stagedLines{lines})
	if err != nil {
		return 0, 0, err
	}
	return verifier.Verify(ctx, r, degrees)
}

// pageReader reads pages, and knows which of its stages there are.
type pageReader struct {
	*reader.Reader
	has Stages
}

// reader returns a reader on the versions that serve now.
func (m *PageModels) reader() (*pageReader, error) {
	detector, err := m.detectors.get("")
	if err != nil {
		return nil, err
	}
	lines, err := m.lines.get("")
	if err != nil {
		return nil, err
	}
	cfg := reader.Config{
		Detector: stagedDetector{detector}, Lines: stagedLines{lines}, Models: []string{m.cfg.Detection, m.cfg.Recognition},
	}
	var has Stages
	if m.cfg.Enhancer != nil {
		cfg.Enhancer, has.Enhance = stagedEnhancer{m.cfg.Enhancer}, true
	}
	if m.cfg.Orientation != "" {
		orienter, err := m.orienters.get("")
		if err != nil {
			return nil, err
		}
		cfg.Orienter, has.Orient = stagedOrienter{orienter}, true
		cfg.Models = append(cfg.Models, m.cfg.Orientation)
	}
	if m.cfg.Direction != "" {
		if cfg.Direction, err = m.directions.get(""); err != nil {
			return nil, err
		}
		cfg.Models = append(cfg.Models, m.cfg.Direction)
	}
	if m.cfg.Corrector != nil {
		cfg.Corrector, has.Correct = stagedCorrector{m.cfg.Corrector, m.cfg.CorrectorUse}, true
	}
	if m.cfg.Orderer != nil {
		cfg.Orderer = stagedOrderer{m.cfg.Orderer}
	}
	r, err := reader.New(cfg)
	if err != nil {
		return nil, err
	}
	return &pageReader{r, has}, nil
}

// Reader returns the models as a recogniser, for measuring, and what it reads with. It keeps the versions that serve now.
func (m *PageModels) Reader() (ocr.Recognizer, []*pb.ModelUse, error) {
	r, err := m.reader()
	if err != nil {
		return nil, nil, err
	}
	var uses []*pb.ModelUse
	for _, id := range []string{m.cfg.Detection, m.cfg.Recognition, m.cfg.Orientation, m.cfg.Direction} {
		if id == "" {
			continue
		}
		model, err := m.cfg.Engine.Model(id)
		if err != nil {
			return nil, nil, err
		}
		uses = append(uses, ModelUse(model.Identity(), model.Entry().Task))
	}
	if m.cfg.CorrectorUse != nil {
		uses = append(uses, m.cfg.CorrectorUse)
	}
	return r, uses, nil
}

// OrientationThreshold is the confidence below which a direction is verified by reading, and the model that tells it.
func (m *PageModels) OrientationThreshold() (float32, *pb.ModelUse, error) {
	o, err := m.orienter()
	if err != nil {
		return 0, nil, err
	}
	model, err := m.cfg.Engine.Model(m.cfg.Orientation)
	if err != nil {
		return 0, nil, err
	}
	return o.Threshold(), ModelUse(model.Identity(), model.Entry().Task), nil
}

// orienter returns the one that serves now.
func (m *PageModels) orienter() (*page.Orienter, error) {
	if m.cfg.Orientation == "" {
		return nil, stageUnavailable("orientation", "no model for page orientation is available")
	}
	return m.orienters.get("")
}
