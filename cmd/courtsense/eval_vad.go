package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/speech/accuracy"
)

func newEvalVADCommand() *cobra.Command {
	var asJSON bool
	var model string
	cmd := &cobra.Command{
		Use:   "vad DIR",
		Short: "Measure voice activity detection: missed speech and false alarms",
		Long: `Finds the speech in the recordings that the folder's .rttm files name (NAME.flac, .wav, .mp3, .opus, .ogg beside them) and
compares frame by frame (10 ms, no collar) with who spoke when: seconds missed and seconds falsely found, over the seconds
of speech. Several people at once count once.`,
		Example: `  courtsense eval vad meetings/
  courtsense eval vad meetings/ --model vad-silero-16k --models MODELS --json`,
		Args: oneFolder,
	}
	flags := addConfigFlags(cmd, "config", "set", "models", "device")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&model, "model", "", "detector to measure, by id (default: the configuration's)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		if model != "" {
			loaded.Speech.VAD.Model = model
		}
		loaded.Speech.Recognition.Model = "none"
		c := newConsole(cmd)
		r, err := evalVAD(cmd.Context(), c, loaded.Config, args[0])
		if err != nil {
			return err
		}
		return (&evalFlags{asJSON: asJSON}).print(c, r)
	}
	return cmd
}

func evalVAD(ctx context.Context, c *console, cfg conf.Config, dir string) (r eval.VADReport, err error) {
	a, err := speechApp(ctx, c, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	uses, err := a.Speech().Uses("")
	if err != nil {
		return r, err
	}
	segmenter, _, err := a.Speech().Segmenter(ctx, &pb.RecognitionConfig{}, -1)
	if err != nil {
		return r, err
	}
	recordings, err := accuracy.DetectFolder(ctx, segmenter, dir)
	if err != nil {
		return r, err
	}
	r = eval.SummarizeVAD(recordings)
	r.Setting = setting()
	r.Models = evalModels(uses)
	return r, nil
}
