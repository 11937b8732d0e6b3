package service

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/punctuate"
	"github.com/courtsense/courtsense/speech/written"
)

// WritingConfig sets up how [Speech] makes written text of what was said.
type WritingConfig struct {
	Punctuation string // id of the model that punctuates; "" when there is none
	Missing     error  // why there is none
	Numbers     number.Style
	Statutes    Statutes // nil: no index
	NoStatutes  error    // why there is none
	StatutesUse *pb.ModelUse
}

// bindPunctuator makes a punctuator of a loaded model.
func (s *Speech) bindPunctuator(x pipeline.Executor, e models.Entry) (*punctuate.Punctuator, error) {
	tokens, err := s.cfg.Recognizer.Tokens(e.ID)
	if err != nil {
		return nil, err
	}
	table, err := s.cfg.Recognizer.Evidence(e.ID)
	if err != nil {
		return nil, err
	}
	return punctuate.New(x, e, tokens, table)
}

// writer returns how a request's final results are written; what it does not say is done where the server can.
func (s *Speech) writer(ctx context.Context, c *pb.RecognitionConfig) (written.Writer, error) {
	var w written.Writer
	var err error
	if c.Punctuate == nil && s.punctuators.active != "" || c.GetPunctuate() {
		if w.Punctuator, err = s.punctuators.get(""); err != nil {
			return w, err
		}
	}
	if c.WriteNumbers == nil || c.GetWriteNumbers() {
		w.Numbers = &s.cfg.Writing.Numbers
	}
	if c.SnapStatutes == nil && s.cfg.Writing.Statutes != nil || c.GetSnapStatutes() {
		if w.Statutes, err = s.statutes(); err != nil {
			return w, err
		}
	}
	ev := evidenceOf(ctx)
	ev.setting("punctuate", fmt.Sprint(w.Punctuator != nil))
	ev.setting("write_numbers", fmt.Sprint(w.Numbers != nil))
	ev.setting("snap_statutes", fmt.Sprint(w.Statutes != nil))
	if w.Statutes != nil {
		ev.used(s.cfg.Writing.StatutesUse)
	}
	return w, nil
}

// writers write a call's final results down, each channel's as one stream.
type writers struct {
	written.Writer
	channels map[int32]*written.Stream
}

// of returns a channel's stream.
func (w *writers) of(channel int32) *written.Stream {
	s, ok := w.channels[channel]
	if !ok {
		s = w.NewStream()
		w.channels[channel] = s
	}
	return s
}

// write makes a final segment's text what is written; what was recognised stays beside it. evidence is what was heard beside the words, or nil.
func write(ctx context.Context, w *writers, m *pb.SpeechSegment, evidence *speech.Evidence) error {
	if m.Text == "" {
		return nil
	}
	f := written.Final{Text: m.Text, Start: m.StartSeconds, End: m.EndSeconds}
	f.Confidence, f.Times = characters(m)
	if evidence != nil {
		f.Evidence = evidence
	}
	t, err := w.of(m.Channel).Write(ctx, f, today())
	if err != nil {
		return err
	}
	if t.Text != m.Text {
		m.Text, m.SpokenText = t.Text, m.Text
	}
	for _, q := range t.Quotations {
		m.Quotations = append(m.Quotations, &pb.StatuteQuotation{
			Start: int32(q.Start), End: int32(q.End), Article: articleMessage(q.Provision), Confidence: float32(q.Confidence), SpokenText: q.Spoken,
		})
	}
	return nil
}

// characters are the confidences and the times of the characters of a segment's text, whose words may stand apart in it; nil when the words are
// not the text.
func characters(m *pb.SpeechSegment) (confidence []float32, times [][2]float64) {
	rest := []rune(m.Text)
	add := func(w *pb.SpokenWord, n int) {
		confidence = append(confidence, slices.Repeat([]float32{w.Confidence}, n)...)
		times = append(times, slices.Repeat([][2]float64{{w.StartSeconds, w.EndSeconds}}, n)...)
		rest = rest[n:]
	}
	for _, w := range m.Words {
		for len(rest) > 0 && rest[0] == ' ' {
			add(w, 1)
		}
		n := utf8.RuneCountInString(w.Text)
		if n > len(rest) || string(rest[:n]) != w.Text {
			return nil, nil
		}
		add(w, n)
	}
	if len(rest) > 0 {
		return nil, nil
	}
	return confidence, times
}

func today() string { return time.Now().Format(time.DateOnly) }

// Punctuate implements SpeechService.
func (s *Speech) Punctuate(ctx context.Context, req *pb.PunctuateRequest) (*pb.PunctuateResponse, error) {
	ctx, ev := gather(ctx)
	ev.input("text", []byte(req.GetText()))
	p, err := s.punctuators.get("")
	if err != nil {
		return nil, err
	}
	w := written.Writer{Punctuator: p}
	if req.WriteNumbers == nil || req.GetWriteNumbers() {
		w.Numbers = &s.cfg.Writing.Numbers
	}
	ev.setting("write_numbers", fmt.Sprint(w.Numbers != nil))
	stage, ended := telemetry.Stage(ctx, "punctuate")
	t, err := w.Write(stage, req.GetText(), "", true)
	ended(err)
	if err != nil {
		return nil, err
	}
	return &pb.PunctuateResponse{Text: t.Text, Provenance: ev.provenance()}, nil
}

// Punctuator is the model that punctuates requests which name none, for measuring it without a call's way in between.
func (s *Speech) Punctuator() (*punctuate.Punctuator, *pb.ModelUse, error) {
	p, err := s.punctuators.get("")
	if err != nil {
		return nil, nil, err
	}
	m, err := s.cfg.Engine.Model(s.punctuators.active)
	if err != nil {
		return nil, nil, err
	}
	return p, ModelUse(m.Identity(), models.TaskPunctuation), nil
}
