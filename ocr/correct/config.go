package correct

import (
	"strconv"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline/charlm"
)

// Model is the language model.
type Model = charlm.Model

// Load reads a language model from the bytes of its file.
func Load(b []byte) (*Model, error) { return charlm.Parse(b) }

// Config are the numbers that decide. Their home is the catalogue's entry of the model, which also says where they were
// measured. A reading's score is a sum of natural logarithms with these weights; e to the scores, divided by their sum,
// are the readings' chances.
type Config struct {
	Doubt       float32                    // symbols with a confidence below this are looked at, 0..1
	Context     float32                    // and only where the neighbours' mean confidence is at least this, 0..1
	Recognition float32                    // weight of the recogniser's confidence
	Network     float32                    // weight of what the two LSTMs say
	Runs        [charlm.LongestRun]float32 // weights of how often the texts hold the runs of 1, 2, ... characters around
	Stay        float32                    // what is added to the score of what was read
	Sure        float32                    // chance from which another reading is taken, 0..1
	Reach       int                        // characters on either side that the LSTMs read at least
}

// Tuned returns the numbers of a catalogue entry for text correction.
func Tuned(e models.Entry) Config {
	c := Config{
		Doubt:       float32(e.Threshold("doubt", 0.995)),
		Context:     float32(e.Threshold("context", 0.72)),
		Recognition: float32(e.Threshold("recognition", 0.77)),
		Network:     float32(e.Threshold("network", 0.42)),
		Stay:        float32(e.Threshold("stay", 0.6)),
		Sure:        float32(e.Threshold("sure", 0.6)),
		Reach:       int(e.Threshold("reach", 8)),
	}
	for i, weight := range [...]float64{-0.85, 0.17, 0.42, 0, 0.4} {
		c.Runs[i] = float32(e.Threshold("runs-"+strconv.Itoa(i+1), weight))
	}
	return c
}
