package service

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/acoustic"
	"github.com/courtsense/courtsense/speech/decode"
	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/endpoint"
	"github.com/courtsense/courtsense/speech/hotword"
)

// RecognizerConfig sets up how [Speech] writes speech down.
type RecognizerConfig struct {
	Active  string // id of the recogniser for requests that name none; "" when there is none
	Missing error  // why there is none
	// Tokens returns the output classes of a recogniser, as its tokens file has them.
	Tokens func(id string) ([]byte, error)
	// Evidence returns the table that a punctuator has beside its network, nil when it has none.
	Evidence     func(id string) ([]byte, error)
	Decode       decode.Config  // of every recogniser, but for its transducer
	LanguageUses []*pb.ModelUse // what Decode asks, for provenance
	Endpoint     endpoint.Rules // of requests that name none
	// HotWords are added to those of every request; HotWordWeight is that of phrases without one, 0 the decoder's own.
	HotWords      []hotword.Phrase
	HotWordWeight float32
	// Enhancement is the id of the model that suppresses noise; "" for libspeexdsp.
	Enhancement string
}

// recognizer is an acoustic model with what decodes it.
type recognizer struct {
	speech.Recognizer
	options hotword.Options
	base    *hotword.Graph // the server's own hot words; nil when there are none
}

// bindRecognizer makes a recogniser of a loaded model.
func (s *Speech) bindRecognizer(x pipeline.Executor, e models.Entry) (*recognizer, error) {
	c := &s.cfg.Recognizer
	tokens, err := c.Tokens(e.ID)
	if err != nil {
		return nil, err
	}
	networks := acoustic.Networks{models.RoleModel: x}
	if e.Family == models.FamilyTransducerStream {
		whole, ok := x.(recording)
		if !ok {
			return nil, fmt.Errorf("model %s has no parts", e.ID)
		}
		networks = acoustic.Networks{}
		for _, role := range []string{models.RoleEncoder, models.RoleDecoder, models.RoleJoiner} {
			networks[role] = recording{whole.Part(role), whole.task}
		}
	}
	model, err := acoustic.New(context.Background(), e, networks, tokens)
	if err != nil {
		return nil, err
	}
	lex, err := lexicon.FromModel(model.Tokens(), lexicon.Options{})
	if err != nil {
		return nil, err
	}
	cfg := c.Decode
	if t := model.Transducer(); t != nil {
		cfg.Transducer = t
	}
	decoder, err := decode.New(lex, cfg)
	if err != nil {
		return nil, err
	}
	r := &recognizer{Recognizer: speech.Recognizer{Acoustic: model, Decoder: decoder}}
	r.options = hotword.Options{Lexicon: lex, DefaultWeight: c.HotWordWeight}
	if len(c.HotWords) > 0 {
		r.base, _ = hotword.Compile(c.HotWords, r.options)
	}
	return r, nil
}

// recognition returns how a request's speech is written down, and what became of its hot words. It is nil when nothing can
// write speech down and the request does not insist.
func (s *Speech) recognition(ctx context.Context, c *pb.RecognitionConfig, rules *pb.EndpointingConfig) (*speech.Recognition, *hotWords, error) {
	if c.GetModel() == "" && s.cfg.Recognizer.Active == "" {
		words := &hotWords{metrics: s.cfg.Metrics}
		words.use(c.GetHotWords())
		return nil, words, nil
	}
	r, err := s.recognizers.hold(ctx, c.GetModel())
	if err != nil {
		return nil, nil, err
	}
	if err := speaks(r.Acoustic.Language(), c.GetLanguageCode()); err != nil {
		return nil, nil, err
	}
	words := &hotWords{recognizer: r, metrics: s.cfg.Metrics}
	words.use(c.GetHotWords())
	out := &speech.Recognition{
		Recognizer: &r.Recognizer, HotWords: words.graph, Endpoint: endpointing(s.cfg.Recognizer.Endpoint, rules),
		Alternatives: int(c.GetMaxAlternatives()),
	}
	ev := evidenceOf(ctx)
	for _, use := range s.cfg.Recognizer.LanguageUses {
		ev.used(use)
	}
	d := r.Decoder.Config()
	ev.setting("recognition.model", r.Acoustic.Entry().ID)
	ev.setting("recognition.language", r.Acoustic.Language())
	ev.setting("recognition.beam", fmt.Sprint(d.Beam))
	ev.setting("recognition.second_pass_beam", fmt.Sprint(max(d.Second.Beam, 0)))
	ev.setting("recognition.language_weight", fmt.Sprint(d.LMWeight))
	ev.setting("recognition.hot_words", fmt.Sprint(words.count()))
	ev.setting("endpointing.silence_without_text", out.Endpoint.SilenceWithoutText.String())
	ev.setting("endpointing.silence_after_text", out.Endpoint.SilenceAfterText.String())
	ev.setting("endpointing.max_utterance", out.Endpoint.MaxUtterance.String())
	return out, words, nil
}

// endpointing fills in what a request leaves open.
func endpointing(r endpoint.Rules, req *pb.EndpointingConfig) endpoint.Rules {
	if d := req.GetSilenceWithoutText(); d != nil {
		r.SilenceWithoutText = d.AsDuration()
	}
	if d := req.GetSilenceAfterText(); d != nil {
		r.SilenceAfterText = d.AsDuration()
	}
	if d := req.GetMaxUtterance(); d != nil {
		r.MaxUtterance = d.AsDuration()
	}
	return r
}

// speaks refuses a language that a recogniser does not know. Its languages are as the catalogue has them: "zh", "zh-en".
func speaks(languages, code string) error {
	if code == "" || languages == "" {
		return nil
	}
	tag, err := language.Parse(code)
	if err != nil {
		return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue,
			fmt.Sprintf("language_code %q is no BCP 47 tag, such as zh-CN", code), rpcerror.Field("config.language_code", "not a language tag"))
	}
	base, _ := tag.Base()
	name := base.String()
	if name == "cmn" {
		name = "zh" // Mandarin is what the recognisers' zh stands for
	}
	if slices.Contains(strings.Split(languages, "-"), name) {
		return nil
	}
	return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue,
		fmt.Sprintf("the recogniser does not know the language %q: it knows %s; leave language_code empty, or name another model", code, languages),
		rpcerror.Field("config.language_code", "not a language of the recogniser"))
}

// hotWords are those of one call.
type hotWords struct {
	recognizer *recognizer // nil when nothing could use them
	graph      *hotword.Graph
	unusable   []hotword.Unusable // of the latest change
	metrics    *telemetry.Speech
}

// use adds phrases to the server's own, in the place of all earlier ones.
func (h *hotWords) use(phrases []*pb.HotWord) {
	if h.recognizer == nil {
		h.refuseAll(phrases)
		return
	}
	h.graph = h.recognizer.base
	h.add(phrases)
}

func (h *hotWords) add(phrases []*pb.HotWord) {
	list := make([]hotword.Phrase, len(phrases))
	for i, p := range phrases {
		list[i] = hotword.Phrase{Text: p.GetPhrase(), Weight: p.GetWeight()}
	}
	switch {
	case len(list) == 0:
		h.unusable = nil
	case h.graph == nil:
		h.graph, h.unusable = hotword.Compile(list, h.recognizer.options)
	default:
		h.graph, h.unusable = h.graph.Add(list)
	}
	h.observe()
}

// update changes the hot words in mid-stream.
func (h *hotWords) update(u *pb.HotWordUpdate) {
	if h.recognizer == nil {
		h.refuseAll(u.GetAdd())
		return
	}
	if u.GetReplace() {
		h.graph = h.recognizer.base
	}
	if remove := u.GetRemove(); len(remove) > 0 && h.graph != nil {
		h.graph = h.graph.Remove(remove)
	}
	h.add(u.GetAdd())
}

// refuseAll reports hot words while nothing is loaded that could use them.
func (h *hotWords) refuseAll(phrases []*pb.HotWord) {
	h.unusable = nil
	for _, p := range phrases {
		h.unusable = append(h.unusable, hotword.Unusable{
			Phrase: p.GetPhrase(), Reason: "NO_RECOGNIZER", Detail: "no recogniser is loaded; speech is found, not written down",
		})
	}
	h.observe()
}

func (h *hotWords) observe() {
	for _, u := range h.unusable {
		h.metrics.Unusable(string(u.Reason))
	}
}

func (h *hotWords) count() int {
	if h.graph == nil {
		return 0
	}
	return h.graph.Len()
}

// report says which hot words are in use, and what can't be of the latest change.
func (h *hotWords) report() *pb.HotWordReport {
	r := &pb.HotWordReport{UsableCount: int32(h.count())}
	for _, u := range h.unusable {
		r.Unusable = append(r.Unusable, &pb.UnusableHotWord{Phrase: u.Phrase, Reason: string(u.Reason), Detail: u.Detail})
	}
	return r
}

// endpointingMessage says which rules are in force.
func endpointingMessage(r endpoint.Rules) *pb.EndpointingConfig {
	return &pb.EndpointingConfig{
		SilenceWithoutText: durationpb.New(r.SilenceWithoutText), SilenceAfterText: durationpb.New(r.SilenceAfterText), MaxUtterance: durationpb.New(r.MaxUtterance),
	}
}
