package enhance

import (
	"fmt"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Rate is the sample rate that enhancers take, in Hz.
const Rate = 16000

// Config says what is done to a stream. The zero value leaves the sound as it is.
type Config struct {
	SuppressNoise bool
	// ControlGain raises quiet speech, by up to 20 dB, and lowers loud speech to one level.
	ControlGain bool
}

// Enhancer makes the streams that share one network. It is safe for concurrent use and holds no resources.
type Enhancer struct {
	name    string
	network *network // nil: libspeexdsp
}

// New makes an enhancer whose noise suppression runs x, a model of the family gtcrn as described by e. It fails when the
// model's tensors are not those of the family. x stays the caller's.
func New(x pipeline.Executor, e models.Entry) (*Enhancer, error) {
	n, err := newNetwork(x, e)
	if err != nil {
		return nil, fmt.Errorf("speech enhancement model %s: %w", e.ID, err)
	}
	return &Enhancer{name: e.ID, network: n}, nil
}

// NewSpeex makes an enhancer that needs no model: noise is suppressed by libspeexdsp.
func NewSpeex() *Enhancer { return &Enhancer{name: "speexdsp"} }

// Name is the catalogue id of the model that suppresses noise, or "speexdsp".
func (e *Enhancer) Name() string { return e.name }
