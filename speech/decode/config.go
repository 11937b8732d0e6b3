package decode

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/language"
)

// Config is how a search works. Fields that are zero have the defaults, which were tuned on training speakers with the embedded
// model and language model.
type Config struct {
	// Transducer is the rest of a transducer, whose encoder's output is then what is pushed. Nil: CTC, and the rows are natural
	// log-posteriors of the tokens.
	Transducer Transducer
	// LM is the language model; nil for none.
	LM language.Model
	// AcousticScale is what log-posteriors are multiplied with: networks are surer of themselves than they are right, and a path adds
	// up frames that say the same. Default: 0.6 for CTC with a language model, else 1.
	AcousticScale float32
	// LMWeight is what its natural log-probabilities are multiplied with. Default: 0.25 for CTC, 0.2 for transducers.
	LMWeight float64
	// Insertion is added to a path's score for each character, since the language model prefers short texts. Default: 2 for CTC with
	// a language model, else 0.
	Insertion float64
	// HotwordLM is the least log-probability of the language model that counts within a hot word, from its second character on: the
	// model can't know a name, and once it has begun its end is no surprise. Taken back when the phrase fails. Default: -4.
	HotwordLM float32
	// Latin is the log-probability that stands for the language model's of tokens that are not Han characters. Default: -6.
	Latin float32
	// Beam is the number of prefixes that are kept. Default: 40 for CTC, 8 for transducers.
	Beam int
	// Width drops prefixes whose score is this far below the best one's. Default: 12.
	Width float64
	// TopTokens is the number of tokens that are considered at a frame, up to 16. Default: 12.
	TopTokens int
	// Floor is the least scaled natural log-posterior of a token that is considered. Default: -8.
	Floor float32
	// Shares part a heard token between itself and what sounds like it.
	Shares Shares
	// StableAfter is the age in frames at which the best path's characters are settled, though other prefixes still disagree; these
	// are dropped. Default: 50, which is 1.5 s of the embedded model.
	StableAfter int
	// MaxDuration is the most frames that a character is said to last. Default: 10.
	MaxDuration int
	// Second is the second pass over a whole utterance.
	Second Second
	// Calibration turns evidence into confidences. Default: [DefaultCalibration].
	Calibration Calibration
}

// Shares are how much of a token's posterior counts for the character itself, for all characters with the same syllable and
// tone, and for all with the same syllable in any tone. The character itself gets all three.
type Shares struct{ Token, Tone, Syllable float32 }

// Second is a search over the stored posteriors of an utterance with a wider beam. It keeps what was said to be stable.
type Second struct {
	// Beam is its number of prefixes. Default: 2.5 times that of the first pass; below 0 there is no second pass.
	Beam int
	// MaxFrames is the longest utterance that posteriors are kept of; longer ones have no second pass, and the memory for it
	// is bounded. Default: 1200, which is 36 s of the embedded model.
	MaxFrames int
	// Rescorer weighs the best texts once more; nil for none.
	Rescorer Rescorer
	// RescoreWeight is what the rescorer's natural log-probabilities are multiplied with. Default: 0.2.
	RescoreWeight float64
	// Rescored is the number of texts that are weighed. Default: 10.
	Rescored int
}

// Rescorer tells the natural log-probabilities of whole texts.
type Rescorer interface {
	Rescore(ctx context.Context, texts []string) ([]float32, error)
}

// Transducer is the predictor and the joiner of a transducer.
type Transducer interface {
	// ContextSize is the number of last tokens that a prediction depends on.
	ContextSize() int
	// Start is the context before the first token.
	Start() []int64
	// Predict returns a row for each context of ContextSize tokens, the last one last. The rows must not be changed.
	Predict(ctx context.Context, contexts [][]int64) ([][]float32, error)
	// Join returns the natural log-posteriors of the tokens for pairs of rows of the encoder and predictor.
	Join(ctx context.Context, encoded, predicted [][]float32) ([][]float32, error)
}

const (
	maxTopTokens  = 16
	maxBeam       = 1000
	maxTransducer = 64 // prefixes of a transducer: each has its own row
)

func (c *Config) setDefaults() {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	ctc := c.Transducer == nil
	if ctc {
		set(&c.Beam, 40)
	} else {
		set(&c.Beam, 8)
	}
	if c.AcousticScale == 0 {
		if c.AcousticScale = 1; ctc && c.LM != nil {
			c.AcousticScale = 0.6
		}
	}
	if c.LMWeight == 0 {
		if c.LMWeight = 0.25; !ctc {
			c.LMWeight = 0.2
		}
	}
	if c.Insertion == 0 && ctc && c.LM != nil {
		c.Insertion = 2
	}
	if c.HotwordLM == 0 {
		c.HotwordLM = -4
	}
	if c.Latin == 0 {
		c.Latin = -6
	}
	if c.Width == 0 {
		c.Width = 12
	}
	set(&c.TopTokens, 12)
	if c.Floor == 0 {
		c.Floor = -8
	}
	if c.Shares == (Shares{}) {
		if c.Shares = (Shares{0.5, 0.35, 0.15}); !ctc {
			// Large models seldom write the wrong homophone.
			c.Shares = Shares{0.9, 0.07, 0.03}
		}
	}
	set(&c.StableAfter, 50)
	set(&c.MaxDuration, 10)
	set(&c.Second.Beam, min(c.Beam*5/2, max(maxBeam, c.Beam)))
	set(&c.Second.MaxFrames, 1200)
	set(&c.Second.Rescored, 10)
	if c.Second.RescoreWeight == 0 {
		c.Second.RescoreWeight = 0.2
	}
	if c.Calibration == (Calibration{}) {
		c.Calibration = DefaultCalibration
	}
}

func (c *Config) check() error {
	most := maxBeam
	if c.Transducer != nil {
		most = maxTransducer
	}
	if t := c.Transducer; t != nil && (t.ContextSize() < 1 || t.ContextSize() > maxContext || len(t.Start()) != t.ContextSize()) {
		return fmt.Errorf("the predictor is given %d tokens, %d at the start; 1 to %d are supported", t.ContextSize(), len(t.Start()), maxContext)
	}
	switch {
	case c.Beam < 1 || c.Beam > most:
		return fmt.Errorf("beam %d is outside 1..%d", c.Beam, most)
	case c.Second.Beam > most:
		return fmt.Errorf("beam %d of the second pass is over %d", c.Second.Beam, most)
	case c.TopTokens < 1 || c.TopTokens > maxTopTokens:
		return fmt.Errorf("%d tokens a frame are outside 1..%d", c.TopTokens, maxTopTokens)
	case c.StableAfter < 1 || c.MaxDuration < 1 || c.Second.MaxFrames < 0:
		return errors.New("a number of frames is below 1")
	case c.Shares.Token <= 0 || c.Shares.Tone < 0 || c.Shares.Syllable < 0:
		return fmt.Errorf("shares %v: the token's must be above 0, none below", c.Shares)
	case !(c.AcousticScale > 0):
		return fmt.Errorf("acoustic scale %v must be above 0", c.AcousticScale)
	case !(c.Width > 0) || !(c.Floor < 0):
		return fmt.Errorf("width %v must be above 0 and floor %v below", c.Width, c.Floor)
	}
	return nil
}

// Decoder makes streams that share a configuration. It is safe for concurrent use.
type Decoder struct {
	lex    *lexicon.Lexicon
	config Config
	start  language.State
	// benches wait here between frames, as many as run at once: what they hold is not worth having for each stream.
	benches chan *bench
}

// New makes a decoder for what an acoustic model writes.
func New(lex *lexicon.Lexicon, c Config) (*Decoder, error) {
	c.setDefaults()
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	d := &Decoder{lex: lex, config: c, benches: make(chan *bench, runtime.GOMAXPROCS(0))}
	if c.LM != nil {
		d.start = c.LM.Start()
	}
	return d, nil
}

// Config is the configuration in force, with the defaults filled in.
func (d *Decoder) Config() Config { return d.config }

// Lexicon is what the decoder writes.
func (d *Decoder) Lexicon() *lexicon.Lexicon { return d.lex }
