package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/correct"
	"github.com/courtsense/courtsense/ocr/layout"
	"github.com/courtsense/courtsense/ocr/page"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/ocr/reader"
	"github.com/courtsense/courtsense/ocr/tesseract"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Engines of ocr.engine.
const (
	EngineAuto      = "auto"
	EngineONNX      = "onnx"
	EngineTesseract = "tesseract"
	EngineCompare   = "compare"
)

var engines = map[string]pb.OcrEngine{
	EngineAuto:      pb.OcrEngine_OCR_ENGINE_UNSPECIFIED,
	EngineONNX:      pb.OcrEngine_OCR_ENGINE_ONNX,
	EngineTesseract: pb.OcrEngine_OCR_ENGINE_TESSERACT,
	EngineCompare:   pb.OcrEngine_OCR_ENGINE_COMPARE,
}

func (a *App) addDocuments(ctx context.Context) error {
	c := a.cfg.OCR
	workers := c.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	cfg := service.DocumentConfig{
		Engine: engines[c.Engine], Decoder: a.decoder, Images: ImageLimits(a.cfg.Limits), PDF: PDFLimits(a.cfg.Limits), DPI: c.DPI,
		Parallel: workers, Languages: c.Languages, Stages: service.Stages{Orient: c.Orient, Enhance: c.Enhance, Correct: c.Correct},
		Enhancer: page.NewEnhancer(page.EnhancerConfig{}), Drain: a.cfg.Server.Timeouts.Drain.Std(),
	}
	var err error
	if cfg.Models, cfg.ModelsMissing, err = a.pageModels(ctx, cfg.Enhancer); err != nil {
		return err
	}
	pool, missing, err := a.tesseract(ctx, workers, cfg.Models == nil)
	if err != nil {
		return err
	}
	if cfg.TesseractMissing = missing; pool != nil {
		cfg.Tesseract, cfg.Languages, cfg.TesseractModels = pool, pool.Languages(), a.tesseractModels(pool)
	}
	for _, lack := range []error{cfg.ModelsMissing, cfg.TesseractMissing} {
		if lack != nil {
			a.unread = append(a.unread, lack)
		}
	}
	a.noteEngines(cfg)
	if version, err := pdf.Installed(ctx); err != nil {
		a.note("PDF files can't be read: %v", err)
	} else {
		a.log.Debug("PDF pages are rendered by poppler", "version", version)
	}
	a.pages, a.documents = cfg.Models, service.NewDocument(cfg)
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.DocumentService_ServiceDesc, Impl: a.documents, Gateway: pb.RegisterDocumentServiceHandler,
		Timeout: a.cfg.Server.Timeouts.Document.Std(),
	}, cfg.Models != nil || cfg.Tesseract != nil})
	return nil
}

// noteEngines says what the configured engine lacks. That the second opinion is not there is no lack where nobody asks for
// it by default.
func (a *App) noteEngines(cfg service.DocumentConfig) {
	engine := a.cfg.OCR.Engine
	needsModels, needsTesseract := engine == EngineONNX || engine == EngineCompare, engine == EngineTesseract || engine == EngineCompare
	switch {
	case cfg.Models == nil && cfg.Tesseract == nil:
		a.note("reading documents is not available: %v; %v", cfg.ModelsMissing, cfg.TesseractMissing)
	case cfg.Models == nil && needsModels:
		a.note("documents can't be read with the engine %s: %v", engine, cfg.ModelsMissing)
	case cfg.Tesseract == nil && needsTesseract:
		a.note("documents can't be read with the engine %s: %v", engine, cfg.TesseractMissing)
	case cfg.Models == nil && engine == EngineAuto:
		a.note("documents are read with Tesseract: %v", cfg.ModelsMissing)
	}
}

// tesseract starts the pool. It is warmed up where it is what reads by default; else its instances are made when somebody
// asks for it.
func (a *App) tesseract(ctx context.Context, workers int, alone bool) (pool *tesseract.Pool, missing, fatal error) {
	c := a.cfg.OCR
	pool, err := tesseract.New(tesseract.Config{Workers: workers, Languages: c.Languages, DataDir: c.TessdataDir, Logger: a.log})
	if err != nil {
		return nil, err, nil
	}
	a.ocr = pool
	if c.Engine == EngineTesseract || c.Engine == EngineCompare || c.Engine == EngineAuto && alone {
		a.progress("starting tesseract")
		if err = pool.WarmUp(ctx); err != nil && ctx.Err() != nil {
			return nil, nil, err
		}
	}
	if err != nil {
		return nil, err, nil
	}
	return pool, nil, nil
}

// pageModels loads the models of engine onnx. Without a detector and a recogniser there is none; without another model the
// stage that needs it is left out.
func (a *App) pageModels(ctx context.Context, enhancer ocr.Enhancer) (m *service.PageModels, missing, fatal error) {
	if a.cfg.OCR.Engine == EngineTesseract {
		return nil, errors.New("ocr.engine is tesseract"), nil
	}
	c := a.cfg.OCR.Models
	cfg := service.PageModelsConfig{Engine: a.models(), Keys: a.keys, Enhancer: enhancer, Orderer: reader.OrdererFunc(inOrder)}
	var lacks []error
	load := func(id *string, task, slot, configured, key string, needed bool) error {
		found, missing, err := a.activate(ctx, task, slot, configured, "ocr.models."+key)
		if err != nil {
			return err
		}
		if missing != nil {
			a.log.Info("a model for reading pages is not available", "task", task, "slot", slot, "why", missing)
			if needed {
				lacks = append(lacks, missing)
			}
		}
		*id = found
		return nil
	}
	if err := load(&cfg.Detection, models.TaskTextDetection, "", c.Detection, "detection", true); err != nil {
		return nil, nil, err
	}
	if err := load(&cfg.Recognition, models.TaskTextRecognition, "", c.Recognition, "recognition", true); err != nil {
		return nil, nil, err
	}
	if len(lacks) > 0 {
		return nil, lacks[0], nil
	}
	if err := load(&cfg.Orientation, models.TaskTextOrientation, slotPage, c.Orientation, "orientation", false); err != nil {
		return nil, nil, err
	}
	if c.Direction != "" || cfg.Orientation == "" {
		if err := load(&cfg.Direction, models.TaskTextOrientation, slotLine, c.Direction, "direction", false); err != nil {
			return nil, nil, err
		}
	}
	if err := a.addCorrector(&cfg); err != nil {
		return nil, nil, err
	}
	return service.NewPageModels(cfg), nil, nil
}

// addCorrector reads the language model: the configured file, else the best one available. Without one nothing is corrected.
func (a *App) addCorrector(cfg *service.PageModelsConfig) error {
	use := &pb.ModelUse{Device: "cpu", Task: models.TaskTextCorrection}
	var content []byte
	var entry models.Entry
	artifact, err := a.store.Select(models.TaskTextCorrection)
	if err == nil {
		// The numbers that decide belong to the catalogue's model; one that was adapted from it keeps them.
		entry = artifact.Entry
	}
	file := a.cfg.OCR.LanguageModel
	switch {
	case file != "":
		if content, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("ocr.language_model: %w", err)
		}
		sum := sha256.Sum256(content)
		use.Name, use.Version, use.Sha256 = "models/language-model-file", filepath.Base(file), hex.EncodeToString(sum[:])
		use.Source = pb.ModelSource_MODEL_SOURCE_DISK
	case err != nil:
		a.log.Info("no language model is available; nothing is corrected", "why", err)
		return nil
	default:
		if content, err = artifact.Bytes(models.RoleLM); err != nil {
			return err
		}
		use = service.ModelUse(pipeline.Identity{
			ID: entry.ID, Version: entry.Version, SHA256: artifact.SHA256, Device: "cpu", Source: string(artifact.Source),
		}, models.TaskTextCorrection)
	}
	model, err := correct.Load(content)
	if err != nil {
		return fmt.Errorf("language model %s: %w", use.GetName(), err)
	}
	cfg.Corrector, cfg.CorrectorUse = correct.New(model, correct.Tuned(entry)), use
	return nil
}

// Slots of [models.TaskTextOrientation].
const (
	slotPage = "page"
	slotLine = "line"
)

// inOrder is the stage that puts lines into reading order.
func inOrder(ctx context.Context, p *ocr.Page, upright *imaging.Raster) error {
	layout.Orderer{}.Order(p, upright)
	return ctx.Err()
}

// keys returns the characters that a recognition model reads.
func (a *App) keys(id string) ([]byte, error) {
	artifact, err := a.store.Resolve(id)
	if err != nil {
		return nil, err
	}
	return artifact.Bytes(models.RoleKeys)
}

// tesseractModels describes the language files that the pool reads with, hashed, for provenance.
func (a *App) tesseractModels(pool *tesseract.Pool) map[string]*pb.ModelUse {
	out := map[string]*pb.ModelUse{}
	in := pool.Installation()
	for _, language := range in.Languages {
		sum, err := in.SHA256(language)
		if err != nil {
			a.note("the language file of %s can't be hashed for provenance: %v", language, err)
			continue
		}
		out[language] = &pb.ModelUse{
			Name: "models/" + TesseractModel(a.store.Catalog(), language), Version: in.Version, Sha256: sum, Device: "cpu",
			Source: pb.ModelSource_MODEL_SOURCE_SYSTEM, Task: models.TaskOCRSystem,
		}
	}
	return out
}

// TesseractModel returns the catalogue's id of a language's file, or one made alike for a language that it does not know.
func TesseractModel(c *models.Catalog, language string) string {
	for _, e := range c.Task(models.TaskOCRSystem) {
		for _, f := range e.Files {
			if path.Base(f.Path) == language+".traineddata" {
				return e.ID
			}
		}
	}
	return "ocr-tesseract-" + strings.ReplaceAll(language, "_", "-")
}
