package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/charlm"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/endpoint"
	"github.com/courtsense/courtsense/speech/hotword"
	"github.com/courtsense/courtsense/speech/language"
	"github.com/courtsense/courtsense/speech/language/rescore"
	"github.com/courtsense/courtsense/speech/proposal"
	"github.com/courtsense/courtsense/speech/role"
	"github.com/courtsense/courtsense/speech/vad"
)

// legalTermWeight is that of the built-in legal terms: with the default weight they made everyday sentences worse (27.9 to 31.3 %
// CER on a development set), with this one they don't.
const legalTermWeight = 0.25

// none is the value of a model's key that turns it off.
const none = "none"

func (a *App) addSpeech(ctx context.Context) error {
	c := a.cfg.Speech.VAD
	id, missing, err := a.activate(ctx, models.TaskVoiceActivity, "", c.Model, "speech.vad.model")
	if err != nil {
		return err
	}
	if missing != nil {
		a.note("no voice activity model is available, speech is told by its loudness only: %v", missing)
	}
	defaults := vad.Config{
		Start: float32(c.Threshold), MinSpeech: max(c.MinSpeech.Std(), time.Nanosecond), MinSilence: c.MinSilence.Std(),
		Pad: min(c.Padding.Std(), c.MinSilence.Std()), MaxSegment: c.MaxSegment.Std(),
	}
	if defaults.Pad == 0 {
		defaults.Pad = -1 // 0 stands for the default there
	}
	if _, err := vad.NewEnergy().Effective(defaults); err != nil {
		return fmt.Errorf("speech.vad: %w", err)
	}
	recognizer, err := a.recognizer(ctx)
	if err != nil {
		return err
	}
	writing, err := a.writing(ctx)
	if err != nil {
		return err
	}
	roles, err := a.roles()
	if err != nil {
		return err
	}
	var speakers service.SpeakersConfig
	speakers.Max = a.cfg.Speech.Speakers.Max
	if speakers.Active, speakers.Missing, err = a.speakers(ctx); err != nil {
		return err
	}
	impl := service.NewSpeech(service.SpeechConfig{
		Engine: a.models(), Active: id, VAD: defaults, Interim: c.InterimInterval.Std(),
		Limits: audio.Limits{
			MaxBytes: int64(a.cfg.Limits.MaxAudioBytes), MaxDuration: time.Duration(a.cfg.Limits.MaxAudioSeconds) * time.Second,
			MaxChannels: a.cfg.Limits.MaxAudioChannels, MinRate: 8000, MaxRate: 48000,
		},
		Idle: a.cfg.Server.Timeouts.StreamIdle.Std(), Drain: a.cfg.Server.Timeouts.Drain.Std(),
		Recognizer: recognizer, Writing: writing, Roles: roles, Speakers: speakers, Records: a.newRecords(), Metrics: a.o.Metrics.Speech(),
		Documents: func() service.DocumentReader {
			if a.documents == nil {
				return nil
			}
			return a.documents
		},
	})
	a.speech = impl
	if recognizer.Active != "" {
		// The first caller should not wait for it, and a network that does not fit its entry is found now.
		a.progress("preparing " + recognizer.Active)
		if err := impl.WarmUp(); err != nil {
			if a.cfg.Speech.Recognition.Model != "" {
				return fmt.Errorf("speech.recognition.model: %w", err)
			}
			a.note("speech can't be written down: %v", err)
		}
	}
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.SpeechService_ServiceDesc, Impl: impl, Gateway: pb.RegisterSpeechServiceHandler,
		MethodTimeouts: map[string]time.Duration{"Recognize": a.cfg.Server.Timeouts.Document.Std(), "ProposeHotwords": a.cfg.Server.Timeouts.Document.Std()},
	}, true})
	return nil
}

// recognizer loads what writes speech down. Without a model for it, speech is found and not written down.
func (a *App) recognizer(ctx context.Context) (service.RecognizerConfig, error) {
	c := a.cfg.Speech.Recognition
	out := service.RecognizerConfig{
		Tokens: a.tokens, Evidence: a.evidence, HotWordWeight: float32(c.HotWordWeight),
		Endpoint: endpoint.Rules{
			SilenceWithoutText: a.cfg.Speech.Endpointing.SilenceWithoutText.Std(),
			SilenceAfterText:   a.cfg.Speech.Endpointing.SilenceAfterText.Std(),
			MaxUtterance:       a.cfg.Speech.Endpointing.MaxUtterance.Std(),
		},
	}
	if err := out.Endpoint.Check(); err != nil {
		return out, fmt.Errorf("speech.endpointing: %w", err)
	}
	if c.Model == none {
		out.Missing = errors.New("speech.recognition.model is none")
		return out, nil
	}
	var err error
	if out.Active, out.Missing, err = a.activate(ctx, models.TaskSpeechRecognition, "", c.Model, "speech.recognition.model"); err != nil {
		return out, err
	}
	if out.Missing != nil {
		a.note("speech is found and not written down: %v", out.Missing)
	}
	out.Decode.Beam, out.Decode.LMWeight = c.Beam, c.LanguageWeight
	if !c.SecondPass {
		out.Decode.Second.Beam = -1
	}
	if c.Enhancement != none {
		var missing error
		if out.Enhancement, missing, err = a.activate(ctx, models.TaskSpeechEnhancement, "", c.Enhancement, "speech.recognition.enhancement"); err != nil {
			return out, err
		}
		if missing != nil {
			a.log.Debug("noise is suppressed by libspeexdsp", "why", missing)
		}
	}
	if c.SecondPass && c.Rescore {
		if err := a.rescorer(&out); err != nil {
			return out, err
		}
	}
	if err := a.languageModels(&out); err != nil {
		return out, err
	}
	if c.LegalTerms {
		for _, term := range proposal.LegalTerms() {
			out.HotWords = append(out.HotWords, hotword.Phrase{Text: term, Weight: legalTermWeight})
		}
	}
	if c.HotWordsFile != "" {
		f, err := os.Open(c.HotWordsFile)
		if err != nil {
			return out, fmt.Errorf("speech.recognition.hot_words_file: %w", err)
		}
		defer f.Close()
		words, err := ReadHotWords(f)
		if err != nil {
			return out, fmt.Errorf("speech.recognition.hot_words_file: %s: %w", c.HotWordsFile, err)
		}
		out.HotWords = append(words, out.HotWords...) // of the same word twice the first one counts
	}
	return out, nil
}

// roles reads the phrases that give away who speaks.
func (a *App) roles() (service.RolesConfig, error) {
	c := a.cfg.Speech.Roles
	out := service.RolesConfig{Crosstalk: c.Crosstalk}
	if c.Cues == "" {
		return out, nil
	}
	f, err := os.Open(c.Cues)
	if err != nil {
		return out, fmt.Errorf("speech.roles.cues: %w", err)
	}
	defer f.Close()
	if out.Cues, err = role.ReadTable(f); err != nil {
		return out, fmt.Errorf("speech.roles.cues: %s: %w", c.Cues, err)
	}
	return out, nil
}

// languageModels reads the catalogue's language model and the configured files.
func (a *App) languageModels(out *service.RecognizerConfig) error {
	c := a.cfg.Speech.Recognition
	var all []language.Model
	if c.LanguageModel != none {
		m, use, err := a.languageModel(c.LanguageModel)
		switch {
		case err != nil && c.LanguageModel != "":
			return fmt.Errorf("speech.recognition.language_model: %w", err)
		case err != nil:
			a.log.Info("no language model for speech is available", "why", err)
		default:
			all, out.LanguageUses = append(all, m), append(out.LanguageUses, use)
		}
	}
	for _, file := range c.LanguageModels {
		m, err := language.Open(file)
		if err != nil {
			return fmt.Errorf("speech.recognition.language_models: %w", err)
		}
		a.languages = append(a.languages, m)
		sum, err := fileDigest(file)
		if err != nil {
			return fmt.Errorf("speech.recognition.language_models: %w", err)
		}
		all = append(all, m)
		out.LanguageUses = append(out.LanguageUses, &pb.ModelUse{
			Name: "models/language-model-file", Version: filepath.Base(file), Sha256: sum, Device: "cpu",
			Source: pb.ModelSource_MODEL_SOURCE_DISK, Task: models.TaskSpeechLanguage,
		})
	}
	switch len(all) {
	case 0:
	case 1:
		out.Decode.LM = all[0]
	default:
		weights := make([]float64, len(all))
		for i := range weights {
			weights[i] = 1
		}
		mixture, err := language.Mix(all, weights)
		if err != nil {
			return err
		}
		out.Decode.LM = mixture
	}
	return nil
}

// rescorer reads the neural language model for the second pass: the one that corrects documents.
func (a *App) rescorer(out *service.RecognizerConfig) error {
	artifact, err := a.store.Select(models.TaskTextCorrection)
	if err != nil {
		return fmt.Errorf("speech.recognition.rescore: %w", err)
	}
	content, err := artifact.Bytes(models.RoleLM)
	if err != nil {
		return fmt.Errorf("speech.recognition.rescore: %w", err)
	}
	m, err := charlm.Parse(content)
	if err != nil {
		return fmt.Errorf("speech.recognition.rescore: model %s: %w", artifact.Entry.ID, err)
	}
	out.Decode.Second.Rescorer = rescore.New(m)
	out.LanguageUses = append(out.LanguageUses, service.ModelUse(pipeline.Identity{
		ID: artifact.Entry.ID, Version: artifact.Entry.Version, SHA256: artifact.SHA256, Device: "cpu", Source: string(artifact.Source),
	}, models.TaskTextCorrection))
	return nil
}

// languageModel reads a model of the catalogue, "" for the best one.
func (a *App) languageModel(id string) (language.Model, *pb.ModelUse, error) {
	var artifact models.Artifact
	var err error
	if id == "" {
		artifact, err = a.store.Select(models.TaskSpeechLanguage)
	} else {
		artifact, err = a.store.Resolve(id)
	}
	if err != nil {
		return nil, nil, err
	}
	entry := artifact.Entry
	if entry.Task != models.TaskSpeechLanguage {
		return nil, nil, fmt.Errorf("model %s is made for %s, not for %s", entry.ID, entry.Task, models.TaskSpeechLanguage)
	}
	content, err := artifact.Bytes(models.RoleLM)
	if err != nil {
		return nil, nil, err
	}
	m, err := language.Parse(content)
	if err != nil {
		return nil, nil, fmt.Errorf("model %s: %w", entry.ID, err)
	}
	return m, service.ModelUse(pipeline.Identity{
		ID: entry.ID, Version: entry.Version, SHA256: artifact.SHA256, Device: "cpu", Source: string(artifact.Source),
	}, models.TaskSpeechLanguage), nil
}

// tokens returns the output classes of a recogniser.
func (a *App) tokens(id string) ([]byte, error) {
	artifact, err := a.store.Resolve(id)
	if err != nil {
		return nil, err
	}
	return artifact.Bytes(models.RoleTokens)
}

// evidence returns what a punctuator hears beside its network, nil when it has nothing.
func (a *App) evidence(id string) ([]byte, error) {
	artifact, err := a.store.Resolve(id)
	if err != nil {
		return nil, err
	}
	if _, err := artifact.Entry.File(models.RoleLM); err != nil {
		return nil, nil //nolint:nilerr // it may do without
	}
	return artifact.Bytes(models.RoleLM)
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// maxHotWordLine bounds a line of a file of hot words.
const maxHotWordLine = 16 << 10

// ReadHotWords reads hot words, one a line, with its weight after a tab if it has one. Empty lines and those that begin with
// # are left out.
func ReadHotWords(r io.Reader) ([]hotword.Phrase, error) {
	var out []hotword.Phrase
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxHotWordLine)
	number := 0
	for lines.Scan() {
		number++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		phrase, weight, weighted := strings.Cut(line, "\t")
		p := hotword.Phrase{Text: strings.TrimSpace(phrase)}
		if weighted {
			w, err := strconv.ParseFloat(strings.TrimSpace(weight), 32)
			if err != nil || !(w >= -hotword.MaxWeight && w <= hotword.MaxWeight) {
				return nil, fmt.Errorf("line %d: the weight %q is no number within -%d..%d", number, weight, hotword.MaxWeight, hotword.MaxWeight)
			}
			p.Weight = float32(w)
		}
		out = append(out, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	return out, nil
}
