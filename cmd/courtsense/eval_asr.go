package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/speech"
)

// evalSpeech is one run of "courtsense eval asr".
type evalSpeech struct {
	model                 string
	hotWords, distractors string // files
	noise, gain           bool

	said, unsaid []string // their words
	given        []*pb.HotWord
}

func newEvalASRCommand() *cobra.Command {
	e := &evalSpeech{}
	cmd := &cobra.Command{
		Use:   "asr DIR",
		Short: "Measure speech recognition: character error rate, what hot words gain, real-time factor",
		Long: `Hears NAME.wav (.flac, .mp3, .opus, .ogg) and compares with the words in NAME.txt, without punctuation and spaces; numbers
stay as they are spoken. A file that can't be heard counts with what was recognised before. Intervals are bootstrapped over
the recordings.

With --hotwords every recording is heard twice, without and with the words of that file (one a line) and of the file of
--distractors, which nobody says: the report has the recall of the hot words, false insertions, and the error rate elsewhere.`,
		Example: `  courtsense eval asr hearings/
  courtsense eval asr hearings/ --model speech-recognition-cfsmn-char2599 --json --raw raw.jsonl
  courtsense eval asr hearings/ --hotwords names.words --distractors others.words
  courtsense eval asr hearings/ --score raw.jsonl`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.StringVar(&e.model, "model", "", "recogniser to measure, by id (default: the configuration's)")
	set.StringVar(&e.hotWords, "hotwords", "", "file of hot words that are said, one a line")
	set.StringVar(&e.distractors, "distractors", "", "file of hot words that nobody says")
	set.BoolVar(&e.noise, "suppress-noise", false, "suppress noise before recognition")
	set.BoolVar(&e.gain, "control-gain", false, "bring speech to one level before recognition")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		if e.distractors != "" && e.hotWords == "" {
			return usagef("--distractors needs --hotwords")
		}
		if err := e.read(); err != nil {
			return err
		}
		c, dir := newConsole(cmd), args[0]
		if f.score != "" {
			return scoreFile(f, c, eval.ReadSpeech, func(records []eval.ASRRecord) (eval.ASRReport, error) {
				r, err := eval.ScoreSpeech(dir, records, e.said, e.unsaid)
				r.Setting = setting()
				return r, err
			})
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		if e.model != "" {
			loaded.Speech.Recognition.Model = e.model
		}
		return f.run(c, "listening", func(run eval.Run) error {
			r, err := e.measure(cmd.Context(), c, loaded.Config, run, dir)
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

// read reads the files of hot words.
func (e *evalSpeech) read() error {
	for _, file := range []struct {
		name  string
		words *[]string
	}{{e.hotWords, &e.said}, {e.distractors, &e.unsaid}} {
		if file.name == "" {
			continue
		}
		words, err := hotWordsOf(file.name)
		if err != nil {
			return err
		}
		for _, w := range words {
			*file.words = append(*file.words, w.GetPhrase())
			e.given = append(e.given, w)
		}
	}
	return nil
}

// hotWordsOf reads a file of hot words.
func hotWordsOf(name string) ([]*pb.HotWord, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	phrases, err := app.ReadHotWords(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var out []*pb.HotWord
	for _, p := range phrases {
		out = append(out, &pb.HotWord{Phrase: p.Text, Weight: p.Weight})
	}
	return out, nil
}

func (e *evalSpeech) measure(ctx context.Context, c *console, cfg conf.Config, run eval.Run, dir string) (r eval.ASRReport, err error) {
	a, err := speechApp(ctx, c, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	uses, err := a.Speech().Uses("")
	if err != nil {
		return r, err
	}
	segmenters := map[bool]*speech.Segmenter{}
	for _, with := range []bool{false, true} {
		config := &pb.RecognitionConfig{SuppressNoise: e.noise, ControlGain: e.gain}
		if with {
			config.HotWords = e.given
		}
		s, words, err := a.Speech().Segmenter(ctx, config, -1)
		if err != nil {
			return r, err
		}
		for _, u := range words.GetUnusable() {
			c.note("the hot word %q can't be used: %s", u.GetPhrase(), u.GetDetail())
		}
		segmenters[with] = s
	}
	measure := eval.ASR{
		Run: run, HotWords: e.said, Distractors: e.unsaid, ProcessorTime: benchmarks.ProcessorTime,
		Hear: func(ctx context.Context, path string, hotWords bool) (eval.Heard, error) {
			return hearFile(ctx, segmenters[hotWords], path)
		},
	}
	if r, err = measure.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Models = evalModels(uses)
	return r, nil
}

// hearFile recognises one file.
func hearFile(ctx context.Context, s *speech.Segmenter, path string) (eval.Heard, error) {
	f, err := os.Open(path)
	if err != nil {
		return eval.Heard{}, err
	}
	defer f.Close()
	var text strings.Builder
	summary, err := s.Run(ctx, f, func(r speech.Result) error {
		if r.Final {
			text.WriteString(r.Text)
			text.WriteByte('\n')
		}
		return nil
	})
	return eval.Heard{Text: strings.TrimSpace(text.String()), AudioSeconds: summary.Duration.Seconds()}, err
}
