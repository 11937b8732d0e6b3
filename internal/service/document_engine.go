package service

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

// modelLanguages are those that line recognisers of the catalogue read, all at once. [ocr.Options] names them as Tesseract
// does.
var modelLanguages = []string{"chi_sim", "eng"}

// Stages are the switches of reading.
type Stages struct{ Orient, Enhance, Correct bool }

// engine is what reads a request's pages.
func (s *Document) engine(c *pb.DocumentConfig) (pb.OcrEngine, error) {
	const onnx, tesseract, both = pb.OcrEngine_OCR_ENGINE_ONNX, pb.OcrEngine_OCR_ENGINE_TESSERACT, pb.OcrEngine_OCR_ENGINE_COMPARE
	wanted := c.GetEngine()
	if wanted == pb.OcrEngine_OCR_ENGINE_UNSPECIFIED {
		wanted = s.cfg.Engine
	}
	foreign := slices.DeleteFunc(slices.Clone(c.GetLanguages()), func(l string) bool { return slices.Contains(modelLanguages, l) })
	if wanted == pb.OcrEngine_OCR_ENGINE_UNSPECIFIED {
		switch {
		case s.cfg.Models != nil && (len(foreign) == 0 || s.cfg.Tesseract == nil):
			wanted = onnx
		case s.cfg.Tesseract != nil:
			wanted = tesseract
		default:
			return 0, engineUnavailable("no engine for reading is available", fmt.Errorf("%w; %w", s.cfg.ModelsMissing, s.cfg.TesseractMissing))
		}
	}
	if wanted != tesseract && s.cfg.Models == nil {
		return 0, engineUnavailable("the engine "+engineName(wanted)+" is not available", s.cfg.ModelsMissing)
	}
	if (wanted == tesseract || wanted == both) && s.cfg.Tesseract == nil {
		return 0, engineUnavailable("the engine "+engineName(wanted)+" is not available", s.cfg.TesseractMissing)
	}
	if wanted != tesseract && len(foreign) > 0 {
		return 0, rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue,
			fmt.Sprintf("language %q is none that the engine %s reads; it reads %s, always all of them", foreign[0], engineName(wanted), strings.Join(modelLanguages, ", ")),
			rpcerror.Field("config.languages", "not read by this engine"))
	}
	return wanted, nil
}

func engineUnavailable(what string, why error) error {
	return rpcerror.New(codes.FailedPrecondition, "ENGINE_UNAVAILABLE", fmt.Sprintf("%s: %v; see 'courtsense doctor' on the server", what, why))
}

// engineName is the engine's name in configuration and provenance.
func engineName(e pb.OcrEngine) string {
	return strings.ToLower(strings.TrimPrefix(e.String(), "OCR_ENGINE_"))
}

// stages decides which stages run: those asked for, else those that the server's defaults want and the engine has. One
// that is asked for and not there is refused, since the answer would be another one than the one asked for.
func (s *Document) stages(c *pb.DocumentConfig, onnx *pageReader) (Stages, error) {
	if c == nil {
		c = &pb.DocumentConfig{}
	}
	has := Stages{}
	if onnx != nil {
		has = onnx.has
	}
	var err error
	decide := func(name string, asked *bool, standard, has bool, lack string) bool {
		if asked == nil {
			return standard && has
		}
		if *asked && !has && err == nil {
			if onnx == nil {
				lack = "the engine tesseract has no such stage"
			}
			err = stageUnavailable("config."+name, lack)
		}
		return *asked
	}
	got := Stages{
		Orient:  decide("orient", c.Orient, s.cfg.Stages.Orient, has.Orient, "no model for page orientation is available"),
		Enhance: decide("enhance", c.Enhance, s.cfg.Stages.Enhance, has.Enhance, "pages can't be cleaned by this server"),
		Correct: decide("correct", c.Correct, s.cfg.Stages.Correct, has.Correct, "no language model is available"),
	}
	return got, err
}

func stageUnavailable(field, why string) error {
	return rpcerror.New(codes.FailedPrecondition, "STAGE_UNAVAILABLE",
		fmt.Sprintf("%s can't be done: %s; leave it out, or see 'courtsense doctor' on the server", field, why), rpcerror.Meta("field", field))
}
