package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
)

func newEvalRecitalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recital DIR",
		Short: "Measure how articles of laws that are read aloud come out",
		Long: `Hears NAME.wav (.flac, .mp3, .opus, .ogg), an article read aloud, with recogniser, language models, punctuation, numbers and the statute
index, and compares with the printed article in NAME.txt: letters and figures must be the same, in one piece. NAME.json says whose article
it is, {"law": "中华人民共和国民法典", "number": "第五百七十七条", "named": true}; with "named" law and number are said before it.
models/training/speech/recital.py makes such folders.`,
		Example: `  courtsense eval recital readings/ --set speech.writing.statutes=statutes.idx
  courtsense eval recital readings/ --limit 20 --json --raw raw.jsonl`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		if f.score != "" {
			return usagef("eval recital has no --score")
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.run(c, "listening", func(run eval.Run) error {
			r, err := evalRecital(cmd.Context(), c, loaded.Config, run, args[0])
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

func evalRecital(ctx context.Context, c *console, cfg conf.Config, run eval.Run, dir string) (r eval.RecitalReport, err error) {
	a, err := speechApp(ctx, c, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	on := true
	config := &pb.RecognitionConfig{SnapStatutes: &on}
	var uses []*pb.ModelUse
	measure := eval.Recital{Run: run, ProcessorTime: benchmarks.ProcessorTime, Hear: func(ctx context.Context, path string) (eval.Recited, error) {
		content, err := os.ReadFile(path)
		if err != nil {
			return eval.Recited{}, err
		}
		answer, err := a.Speech().Recognize(ctx, &pb.SpeechServiceRecognizeRequest{Config: config, Audio: &pb.AudioFile{Content: content}})
		if err != nil {
			return eval.Recited{}, err
		}
		out := eval.Recited{AudioSeconds: answer.GetAudioSeconds()}
		var text, spoken []string
		for _, s := range answer.GetSegments() {
			text = append(text, s.GetText())
			if said := s.GetSpokenText(); said != "" {
				spoken = append(spoken, said)
			} else {
				spoken = append(spoken, s.GetText())
			}
			for _, q := range s.GetQuotations() {
				out.Provisions = append(out.Provisions, eval.Provision{Law: q.GetArticle().GetLaw(), Number: q.GetArticle().GetArticle(), Text: q.GetArticle().GetText()})
			}
		}
		out.Text, out.Spoken = strings.Join(text, "\n"), strings.Join(spoken, "\n")
		return out, nil
	}}
	if r, err = measure.Folder(ctx, dir); err != nil {
		return r, err
	}
	if uses, err = a.Speech().Uses(""); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Models = evalModels(uses)
	return r, nil
}
