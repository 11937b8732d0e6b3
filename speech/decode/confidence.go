package decode

import "math"

// Calibration is a logistic regression from what the search knows of a character to the probability that it is right.
type Calibration struct {
	// Bias, and the weights of: the log-odds of the posterior in the beam, the greatest acoustic log-posterior (all shares), and
	// the natural log-probability of the language model.
	Bias, Mass, Acoustic, Language float64
}

// massScale flattens the beam's posteriors, which are too sure of themselves.
const massScale = 0.5

// maxOdds bounds the log-odds of a posterior.
const maxOdds = 6

// apply returns 0 to 1.
func (c Calibration) apply(mass float64, acoustic, lm float32) float32 {
	p := min(max(mass, 1e-6), 1-1e-6)
	odds := min(max(math.Log(p/(1-p)), -maxOdds), maxOdds)
	z := c.Bias + c.Mass*odds + c.Acoustic*float64(max(acoustic, -10)) + c.Language*float64(max(lm, -15))
	return float32(1 / (1 + math.Exp(-z)))
}

// DefaultCalibration was fitted on training speakers.
var DefaultCalibration = Calibration{Bias: 0, Mass: 0.5, Acoustic: 0.3, Language: 0.1}
