package correct

import (
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr/correct/charlm"
)

// Model is the language model.
type Model = charlm.Model

// Load reads a language model from the bytes of its file.
func Load(b []byte) (*Model, error) { return charlm.Parse(b) }

// Config are the numbers that decide. Their home is the catalogue's entry of the model, which also says where they were
// measured.
type Config struct {
	Doubt  float32 // symbols with a confidence below this are looked at, 0..1
	Weight float32 // of the language model's score, the recogniser's having 1
	Margin float32 // natural logarithm by which another reading must be better
	Cap    float32 // natural logarithm beyond which the language model's preference counts no more: it has seen too little to be so sure
	Reach  int     // characters on either side that the language model reads at least
}

// Tuned returns the numbers of a catalogue entry for text correction.
func Tuned(e models.Entry) Config {
	return Config{
		Doubt:  float32(e.Threshold("doubt", 0.95)),
		Weight: float32(e.Threshold("weight", 0.5)),
		Margin: float32(e.Threshold("margin", 1)),
		Cap:    float32(e.Threshold("cap", 8)),
		Reach:  int(e.Threshold("reach", 8)),
	}
}
