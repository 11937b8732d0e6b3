package main

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/service"
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
		if f.score != "" {
			return usagef("eval recital has no --score")
		}
		return f.onSpeech(cmd, func(ctx context.Context, a *app.App, run eval.Run, s eval.Setting) (evalReport, error) {
			measure := eval.Recital{Run: run, ProcessorTime: benchmarks.ProcessorTime, Hear: func(ctx context.Context, path string) (eval.Recited, error) {
				return hearRecital(ctx, a.Speech(), path)
			}}
			r, err := measure.Folder(ctx, args[0])
			r.Setting = s
			return r, err
		})
	}
	return cmd
}

// hearRecital is what a recording of a recital becomes.
func hearRecital(ctx context.Context, s *service.Speech, path string) (eval.Recited, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return eval.Recited{}, err
	}
	on := true
	answer, err := s.Recognize(ctx, &pb.SpeechServiceRecognizeRequest{Config: &pb.RecognitionConfig{SnapStatutes: &on}, Audio: &pb.AudioFile{Content: content}})
	if err != nil {
		return eval.Recited{}, err
	}
	out := eval.Recited{AudioSeconds: answer.GetAudioSeconds()}
	var text, spoken []string
	for _, s := range answer.GetSegments() {
		text = append(text, s.GetText())
		spoken = append(spoken, cmp.Or(s.GetSpokenText(), s.GetText()))
		for _, q := range s.GetQuotations() {
			out.Provisions = append(out.Provisions, eval.Provision{Law: q.GetArticle().GetLaw(), Number: q.GetArticle().GetArticle(), Text: q.GetArticle().GetText()})
		}
	}
	out.Text, out.Spoken = strings.Join(text, "\n"), strings.Join(spoken, "\n")
	return out, nil
}
