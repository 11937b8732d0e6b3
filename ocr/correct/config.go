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
// measured.
type Config struct {
	Doubt   float32 // symbols with a confidence below this are looked at, 0..1
	Context float32 // and only where the neighbours' mean confidence is at least this, 0..1
	Reach   int     // characters on either side that the LSTMs read at least
	Faint   float32 // confidence below which a character is read so badly that only a change that the text makes sure is made, 0..1
	Han     Weights // of the readings of a character
	Marks   Weights // of the readings of a full-width punctuation mark: its neighbours tell less of it
	Quote   float32 // what is added to the score of a quotation mark that was read for a stop
	Paired  float32 // what more is added when its counterpart is near
	Label   float32 // what is added to the score of a colon behind the name of a form's field
}

// Weights are what a reading's score is a sum of, natural logarithms. e to the scores, divided by their sum, are the readings'
// chances.
type Weights struct {
	Recognition float32                    // weight of the recogniser's confidence
	Network     float32                    // weight of what the two LSTMs say
	Runs        [charlm.LongestRun]float32 // weights of how often the texts hold the runs of 1, 2, ... characters around
	Stay        float32                    // what is added to the score of what was read
	Sure        float32                    // chance from which another reading is taken, 0..1
}

// Tuned returns the numbers of a catalogue entry for text correction.
func Tuned(e models.Entry) Config {
	return Config{
		Doubt:   float32(e.Threshold("doubt", 0.998)),
		Context: float32(e.Threshold("context", 0.72)),
		Reach:   int(e.Threshold("reach", 8)),
		Faint:   float32(e.Threshold("faint", 0.4)),
		Han:     weights(e, "", Weights{0.77, 0.5, [charlm.LongestRun]float32{-0.85, 0.17, 0.42, 0, 0.4}, 0.6, 0.5}),
		Marks:   weights(e, "marks-", Weights{0.8, 0.44, [charlm.LongestRun]float32{-0.82, 0, 0.14, 0, 0.08}, -1, 0.6}),
		Quote:   float32(e.Threshold("quote", 2.1)),
		Paired:  float32(e.Threshold("paired", 1)),
		Label:   float32(e.Threshold("label", 1.6)),
	}
}

func weights(e models.Entry, prefix string, otherwise Weights) Weights {
	number := func(name string, otherwise float32) float32 {
		return float32(e.Threshold(prefix+name, float64(otherwise)))
	}
	w := Weights{
		Recognition: number("recognition", otherwise.Recognition), Network: number("network", otherwise.Network),
		Stay: number("stay", otherwise.Stay), Sure: number("sure", otherwise.Sure),
	}
	for i, weight := range otherwise.Runs {
		w.Runs[i] = number("runs-"+strconv.Itoa(i+1), weight)
	}
	return w
}
