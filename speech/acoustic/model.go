package acoustic

import (
	"context"
	"fmt"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech/fbank"
)

// Rate is the sample rate that models take, in Hz.
const Rate = 16000

// Kind tells how the rows of a model are decoded.
type Kind uint8

// The kinds of models.
const (
	CTC        Kind = iota + 1 // rows are natural logarithms of the tokens' probabilities
	Transducer                 // rows are the encoder's; see [Model.Transducer]
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case CTC:
		return "ctc"
	case Transducer:
		return "transducer"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Model is an acoustic model. It is safe for concurrent use; its streams are not.
type Model struct {
	entry    models.Entry
	kind     Kind
	tokens   *Tokens
	features *fbank.Extractor
	network  recurrent
	search   *Search
	frame    time.Duration
}

// New makes a model of the families ctc-stream or transducer-stream from its entry, its networks and its table of tokens.
// It runs the networks once. It fails when they are not what the family is made of, and says what differs. The networks
// stay the caller's.
func New(ctx context.Context, e models.Entry, networks Networks, tokens []byte) (*Model, error) {
	m := &Model{entry: e}
	err := m.build(ctx, networks, tokens)
	if err != nil {
		return nil, fmt.Errorf("speech recognition model %s: %w", e.ID, err)
	}
	return m, nil
}

func (m *Model) build(ctx context.Context, networks Networks, tokens []byte) error {
	var err error
	if m.tokens, err = ParseTokens(tokens); err != nil {
		return err
	}
	if id := m.entry.Parameters.Int("blank", m.tokens.blank); id != m.tokens.blank {
		return fmt.Errorf("the catalogue's blank is class %d, the table of tokens has %q there and blank at %d", id, m.symbol(id), m.tokens.blank)
	}
	switch m.entry.Family {
	case models.FamilyCTCStream:
		return m.buildCTC(ctx, networks)
	case models.FamilyTransducerStream:
		return m.buildTransducer(ctx, networks)
	default:
		return fmt.Errorf("family %q is not one of %s, %s", m.entry.Family, models.FamilyCTCStream, models.FamilyTransducerStream)
	}
}

func (m *Model) symbol(id int) string {
	if id < 0 || id >= m.tokens.Len() {
		return ""
	}
	return m.tokens.At(id).Symbol
}

// Kind tells how the rows are decoded.
func (m *Model) Kind() Kind { return m.kind }

// Tokens is the table of output classes.
func (m *Model) Tokens() *Tokens { return m.tokens }

// Entry is the catalogue entry that the model was made from.
func (m *Model) Entry() models.Entry { return m.entry }

// Language is that of the entry, such as "zh" or "zh-en"; "" when it does not say.
func (m *Model) Language() string { return m.entry.Parameters.String("language", "") }

// Width is the number of values in a row: the tokens of a CTC model, the size of a transducer's encoding.
func (m *Model) Width() int { return m.network.width }

// FrameDuration is the sound that one row stands for. Row i of a stream begins i of them after the start of the sound.
func (m *Model) FrameDuration() time.Duration { return m.frame }

// LookAhead is how much sound after the end of a row must have been pushed, at most, before the row is returned: what the
// network sees of the future and what it waits for to fill a chunk.
func (m *Model) LookAhead() time.Duration {
	n := &m.network
	perRow := m.features.RowShift()
	c := m.features.Config()
	ahead := time.Duration(n.chunk-1+n.delay)*perRow + c.FrameLength
	return ahead + time.Duration((c.Stack-1)/2)*c.FrameShift
}

// Transducer returns the networks for the decoder of a transducer, nil for a CTC model.
func (m *Model) Transducer() *Search { return m.search }
