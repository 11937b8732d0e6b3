package service

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/endpoint"
	"github.com/courtsense/courtsense/speech/enhance"
	"github.com/courtsense/courtsense/speech/punctuate"
	"github.com/courtsense/courtsense/speech/role"
	"github.com/courtsense/courtsense/speech/speaker"
	"github.com/courtsense/courtsense/speech/vad"
	"github.com/courtsense/courtsense/speech/written"
)

// SpeechConfig sets up a [Speech].
type SpeechConfig struct {
	Engine  Models
	Active  string // id of the voice activity detector for requests that name none; "" for the energy detector
	Limits  audio.Limits
	VAD     vad.Config    // defaults of requests
	Interim time.Duration // sound between two interim results of a segment
	Idle    time.Duration // longest idle_timeout that a stream may ask for
	Drain   time.Duration // how long running calls may go on when the server shuts down; streams are told

	Recognizer RecognizerConfig
	Writing    WritingConfig
	Roles      RolesConfig
	Speakers   SpeakersConfig
	Documents  func() DocumentReader // reads papers that hot words are proposed from; nil, or answering nil: no pages can be read
	Records    Records               // of hearings; nil: none are kept
	Metrics    *telemetry.Speech     // nil: none
}

// Speech implements SpeechService.
type Speech struct {
	pb.UnimplementedSpeechServiceServer
	cfg         SpeechConfig
	detectors   bindings[*vad.VAD]
	recognizers bindings[*recognizer]
	enhancers   bindings[*enhance.Enhancer]
	punctuators bindings[*punctuate.Punctuator]
	speakers    bindings[*speaker.Embedder]
	records     records
}

// NewSpeech returns the service. It holds nothing that would have to be closed.
func NewSpeech(cfg SpeechConfig) *Speech {
	s := &Speech{cfg: cfg, detectors: bindings[*vad.VAD]{
		engine: cfg.Engine, task: models.TaskVoiceActivity, active: cfg.Active,
		bind: vad.New,
	}}
	s.recognizers = bindings[*recognizer]{
		engine: cfg.Engine, task: models.TaskSpeechRecognition, active: cfg.Recognizer.Active, missing: cfg.Recognizer.Missing,
		bind: s.bindRecognizer,
	}
	s.enhancers = bindings[*enhance.Enhancer]{
		engine: cfg.Engine, task: models.TaskSpeechEnhancement, active: cfg.Recognizer.Enhancement, bind: enhance.New,
	}
	s.punctuators = bindings[*punctuate.Punctuator]{
		engine: cfg.Engine, task: models.TaskPunctuation, active: cfg.Writing.Punctuation, missing: cfg.Writing.Missing, bind: s.bindPunctuator,
	}
	s.speakers = bindings[*speaker.Embedder]{
		engine: cfg.Engine, task: models.TaskSpeakerEmbedding, active: cfg.Speakers.Active, missing: cfg.Speakers.Missing, bind: speaker.New,
	}
	return s
}

// WarmUp makes the recogniser that serves requests which name none.
func (s *Speech) WarmUp() error {
	_, err := s.recognizers.find("", true)
	return err
}

// Recognize implements SpeechService.
func (s *Speech) Recognize(ctx context.Context, req *pb.SpeechServiceRecognizeRequest) (*pb.SpeechServiceRecognizeResponse, error) {
	ctx, ev := gather(ctx)
	content := req.GetAudio().GetContent()
	ev.input("audio.content", content)
	setup, err := s.setUp(ctx, req.GetConfig(), nil, -1)
	if err != nil {
		return nil, err
	}
	ended := s.cfg.Metrics.Begin()
	var summary speech.Summary
	defer func() { ended(summary.Duration.Seconds()) }()
	hearing := s.hearing(req.GetConfig())
	answer := &pb.SpeechServiceRecognizeResponse{HotWords: setup.words.report()}
	stage, end := telemetry.Stage(ctx, "segment")
	err = guarded(ctx, func() (err error) {
		summary, err = setup.segmenter.Run(stage, bytes.NewReader(content), func(r speech.Result) error {
			if r.Final {
				m := hearing.segment(r)
				if err := write(stage, setup.writer, m, r.Evidence); err != nil {
					return err
				}
				answer.Segments = append(answer.Segments, m)
				hearing.ended(r)
				s.count(r)
			}
			return nil
		})
		return err
	})
	end(err)
	if err != nil {
		return nil, inField("audio.content", err)
	}
	slices.SortStableFunc(answer.Segments, func(a, b *pb.SpeechSegment) int {
		return cmp.Or(cmp.Compare(a.StartSeconds, b.StartSeconds), cmp.Compare(a.Channel, b.Channel))
	})
	for i, segment := range answer.Segments {
		segment.Id = int64(i + 1)
	}
	answer.AudioSeconds = summary.Duration.Seconds()
	answer.SampleRateHertz, answer.AudioChannelCount = int32(summary.Info.SampleRate), int32(summary.Info.Channels)
	answer.Provenance = ev.provenance()
	return answer, nil
}

// setup is how one call hears.
type setup struct {
	segmenter   *speech.Segmenter
	recognition *speech.Recognition // nil when nothing writes speech down
	words       *hotWords
	writer      *writers // of final results
}

// setUp makes the request's segmenter and notes its settings in the call's evidence. A negative interim interval means
// final results only.
func (s *Speech) setUp(ctx context.Context, c *pb.RecognitionConfig, rules *pb.EndpointingConfig, interim time.Duration) (*setup, error) {
	if c == nil {
		c = &pb.RecognitionConfig{}
	}
	detector, err := s.detector(ctx, c.GetVoiceActivity().GetModel())
	if err != nil {
		return nil, err
	}
	config := speech.Config{
		Audio: audio.Config{
			Encoding: audioEncoding(c.GetEncoding()), SampleRate: int(c.GetSampleRateHertz()), Channels: int(c.GetAudioChannelCount()),
		},
		Limits: s.cfg.Limits, VAD: vadConfig(s.cfg.VAD, c.GetVoiceActivity()), Interim: interim,
	}
	ev := evidenceOf(ctx)
	ev.setting("voice_activity.model", detector.Name())
	effective, err := detector.Effective(config.VAD)
	if err != nil {
		return nil, err
	}
	ev.setting("voice_activity.start", fmt.Sprint(effective.Start))
	ev.setting("voice_activity.end", fmt.Sprint(effective.End))
	ev.setting("voice_activity.min_speech", effective.MinSpeech.String())
	ev.setting("voice_activity.min_silence", effective.MinSilence.String())
	ev.setting("voice_activity.padding", max(effective.Pad, 0).String())
	ev.setting("voice_activity.max_segment", effective.MaxSegment.String())
	out := &setup{}
	if out.recognition, out.words, err = s.recognition(ctx, c, rules); err != nil {
		return nil, err
	}
	config.Recognition = out.recognition
	writer, err := s.writer(ctx, c)
	if err != nil {
		return nil, err
	}
	out.writer = &writers{writer, map[int32]*written.Stream{}}
	config.Enhance = enhance.Config{SuppressNoise: c.GetSuppressNoise(), ControlGain: c.GetControlGain()}
	if config.Enhance != (enhance.Config{}) {
		if config.Enhancer, err = s.enhancer(ctx); err != nil {
			return nil, err
		}
		ev.setting("suppress_noise", fmt.Sprint(c.GetSuppressNoise()))
		ev.setting("control_gain", fmt.Sprint(c.GetControlGain()))
		ev.setting("enhancement.model", config.Enhancer.Name())
	}
	if config.Separation, err = s.separation(ctx, c); err != nil {
		return nil, err
	}
	if config.SuppressCrosstalk = s.cfg.Roles.suppress(c); config.SuppressCrosstalk {
		ev.setting("suppress_crosstalk", "true")
	}
	out.segmenter, err = speech.NewSegmenter(detector, config)
	return out, err
}

// count counts a final segment.
func (s *Speech) count(r speech.Result) {
	by, hot := "voice_activity", 0
	if r.EndedBy != endpoint.None {
		by = r.EndedBy.String()
	} else if r.Split {
		by = "max_segment"
	}
	for _, w := range r.Words {
		if w.HotWord != "" {
			hot++
		}
	}
	s.cfg.Metrics.Segment(by, len(r.Words), hot, r.Confidence)
}

// enhancer returns what cleans sound.
func (s *Speech) enhancer(ctx context.Context) (*enhance.Enhancer, error) {
	if s.enhancers.active == "" {
		return enhance.NewSpeex(), nil
	}
	return s.enhancers.hold(ctx, "")
}

// detector returns the detector of a model id, "" for the active one. Without any model the energy detector hears: speech
// then never is unavailable, and provenance says what it was found with.
func (s *Speech) detector(ctx context.Context, id string) (*vad.VAD, error) {
	if id == "" && s.detectors.active == "" {
		return vad.NewEnergy(), nil
	}
	return s.detectors.hold(ctx, id)
}

func vadConfig(c vad.Config, req *pb.VoiceActivityConfig) vad.Config {
	if req == nil {
		return c
	}
	if req.Threshold != nil {
		c.Start, c.End = req.GetThreshold(), max(req.GetThreshold()-.15, .005)
	}
	if d := req.GetMinSpeech(); d != nil {
		c.MinSpeech = max(d.AsDuration(), time.Nanosecond) // 0 would mean the default
	}
	if d := req.GetMinSilence(); d != nil {
		c.MinSilence = d.AsDuration()
	}
	// The server's padding gives way to a shorter pause; a padding that the request itself names is refused instead.
	c.Pad = min(c.Pad, c.MinSilence)
	if d := req.GetPadding(); d != nil {
		if c.Pad = d.AsDuration(); c.Pad == 0 {
			c.Pad = -1
		}
	}
	if d := req.GetMaxSegment(); d != nil {
		c.MaxSegment = d.AsDuration()
	}
	return c
}

func audioEncoding(e pb.AudioEncoding) audio.Encoding {
	switch e {
	case pb.AudioEncoding_AUDIO_ENCODING_LINEAR16:
		return audio.Linear16
	case pb.AudioEncoding_AUDIO_ENCODING_FLOAT32:
		return audio.Float32
	case pb.AudioEncoding_AUDIO_ENCODING_WAV:
		return audio.WAV
	case pb.AudioEncoding_AUDIO_ENCODING_FLAC:
		return audio.FLAC
	case pb.AudioEncoding_AUDIO_ENCODING_MP3:
		return audio.MP3
	case pb.AudioEncoding_AUDIO_ENCODING_OGG_OPUS:
		return audio.OggOpus
	}
	return audio.Auto
}

// hearing numbers a recording's segments in the order in which they began, and knows who sits at which channel.
type hearing struct {
	roles map[int32]pb.SpeakerRole
	ids   map[segmentKey]int64 // of the segments that are still open
	last  int64                // number given last

	assigner *role.Assigner // nil where speakers are not told apart
	changed  []role.Change  // of the latest final segment, that were not asked for yet
}

type segmentKey struct{ channel, index int }

func newHearing(c *pb.RecognitionConfig, cues *role.Table) *hearing {
	h := &hearing{roles: map[int32]pb.SpeakerRole{}, ids: map[segmentKey]int64{}, assigner: assigner(c, cues)}
	for _, r := range c.GetChannelRoles() {
		h.roles[r.GetChannel()] = r.GetRole()
	}
	return h
}

func (s *Speech) hearing(c *pb.RecognitionConfig) *hearing { return newHearing(c, s.cfg.Roles.Cues) }

// begun returns a segment's number, and whether this is the first that is heard of it.
func (h *hearing) begun(r speech.Result) (id int64, first bool) {
	key := segmentKey{r.Channel, r.Index}
	id, known := h.ids[key]
	if !known {
		h.last++
		id = h.last
		h.ids[key] = id
	}
	return id, !known
}

// ended forgets a segment that is final, so that a day of hearings needs no more memory than an hour.
func (h *hearing) ended(r speech.Result) { delete(h.ids, segmentKey{r.Channel, r.Index}) }

func (h *hearing) segment(r speech.Result) *pb.SpeechSegment {
	id, _ := h.begun(r)
	m := &pb.SpeechSegment{
		Id: id, StartSeconds: r.Start, EndSeconds: r.End, Channel: int32(r.Channel),
		Text: r.Text, Confidence: r.Confidence, SpeechProbability: r.Probability, StableWordCount: int32(r.Stable), Overlap: r.Overlap,
	}
	h.who(r, m)
	for _, w := range r.Words {
		m.Words = append(m.Words, &pb.SpokenWord{Text: w.Text, StartSeconds: w.Start, EndSeconds: w.End, Confidence: w.Confidence, HotWord: w.HotWord})
	}
	for _, a := range r.Alternatives {
		m.Alternatives = append(m.Alternatives, &pb.SpokenAlternative{Text: a.Text, Confidence: a.Confidence})
	}
	return m
}

// Segmenter hears as a call with this configuration would, for measuring it without a call's way in between.
func (s *Speech) Segmenter(ctx context.Context, c *pb.RecognitionConfig, interim time.Duration) (*speech.Segmenter, *pb.HotWordReport, error) {
	ctx, _ = gather(ctx)
	setup, err := s.setUp(ctx, c, nil, interim)
	if err != nil {
		return nil, nil, err
	}
	return setup.segmenter, setup.words.report(), nil
}

// Uses are the models that hear requests which name none: voice activity, recogniser and what it asks.
func (s *Speech) Uses(recognizer string) ([]*pb.ModelUse, error) {
	var uses []*pb.ModelUse
	for _, id := range []string{s.cfg.Active, cmp.Or(recognizer, s.cfg.Recognizer.Active)} {
		if id == "" {
			continue
		}
		model, err := s.cfg.Engine.Model(id)
		if err != nil {
			return nil, err
		}
		uses = append(uses, ModelUse(model.Identity(), model.Entry().Task))
	}
	return append(uses, s.cfg.Recognizer.LanguageUses...), nil
}
