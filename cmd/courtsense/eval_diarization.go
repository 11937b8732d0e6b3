package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/speech/accuracy"
	"github.com/courtsense/courtsense/speech/speaker"
)

// evalSpeakers is how "eval diarization" measures.
type evalSpeakers struct {
	model  string
	collar float64
	cfg    speaker.Config
}

func newEvalDiarizationCommand() *cobra.Command {
	var asJSON bool
	e := evalSpeakers{collar: accuracy.Collar}
	var similarity float64
	cmd := &cobra.Command{
		Use:   "diarization DIR",
		Short: "Measure who is found to speak when: the diarisation error rate",
		Long: `Finds who speaks when in the recordings that the folder's .rttm files name (NAME.flac, .wav, .mp3, .opus, .ogg beside them) and
compares frame by frame (10 ms, overlapping speech included) with the reference: seconds missed, falsely found and taken for another, over
the seconds of the speakers. It does so where the reference says where speech is, where voice activity detection finds it, and as streams
are labelled, segment by segment. "One speaker" is what telling nobody apart gives.`,
		Example: `  courtsense eval diarization meetings/
  courtsense eval diarization meetings/ --speakers 2 --json`,
		Args: oneFolder,
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.BoolVar(&asJSON, "json", false, "print one JSON object")
	set.StringVar(&e.model, "model", "", "speaker embedding to measure, by id (default: the configuration's)")
	set.Float64Var(&e.collar, "collar", e.collar, "seconds around begins and ends in the reference that are not scored")
	set.IntVar(&e.cfg.Speakers, "speakers", 0, "how many people speak in each recording (0: found)")
	set.Float64Var(&similarity, "similarity", 0, "similarity from which two groups of windows count as one speaker (0: the model's threshold)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if e.collar < 0 || e.collar > 5 {
			return usagef("--collar is 0 to 5 seconds")
		}
		e.cfg.Similarity = float32(similarity)
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		if e.model != "" {
			loaded.Speech.Speakers.Model = e.model
		}
		loaded.Speech.Recognition.Model = "none"
		c := newConsole(cmd)
		r, err := e.measure(cmd.Context(), c, loaded.Config, args[0])
		if err != nil {
			return err
		}
		return (&evalFlags{asJSON: asJSON}).print(c, r)
	}
	return cmd
}

func (e *evalSpeakers) measure(ctx context.Context, c *console, cfg conf.Config, dir string) (r eval.DiarizationReport, err error) {
	a, err := speechApp(ctx, c, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	embedder, use, err := a.Speakers(ctx)
	if err != nil {
		return r, err
	}
	uses, err := a.Speech().Uses("")
	if err != nil {
		return r, err
	}
	segmenter, _, err := a.Speech().Segmenter(ctx, &pb.RecognitionConfig{}, -1)
	if err != nil {
		return r, err
	}
	meetings, err := accuracy.DiarizeFolder(ctx, embedder, segmenter, dir, e.cfg, e.collar)
	if err != nil {
		return r, err
	}
	r = eval.SummarizeDiarization(meetings, e.collar)
	r.Setting = setting()
	r.Models = evalModels(append(uses, use))
	return r, nil
}
