package quality

import "math"

// Where a mapping is said to be the standard's it has the form and the constants of ISO/IEC 29794-5:2025 as its reference
// implementation publishes them (BSI-OFIQ, data/ofiq_config.jaxn): quality = h * (a + s * sigmoid((x - x0) / w)), rounded
// and cut to 0..100. What goes in is measured in our own way, with other detectors and landmarks than the standard's, so
// the result can't be compared with that of a conforming implementation.

// rising is 0..100, 50 at x0.
func rising(x, x0, w float64) float64 { return 100 / (1 + math.Exp(-(x-x0)/w)) }

// falling is 100..0, 50 at x0.
func falling(x, x0, w float64) float64 { return 100 - rising(x, x0, w) }

// plateau is 100 between lo and hi, and falls to 0 over the given widths outside.
func plateau(x, lo, below, hi, above float64) float64 {
	switch {
	case x < lo:
		return 100 * max(0, 1-(lo-x)/below)
	case x > hi:
		return 100 * max(0, 1-(x-hi)/above)
	}
	return 100
}

// percent rounds and cuts to 0..100; what is no number is no quality.
func percent(q float64) int {
	if math.IsNaN(q) {
		return 0
	}
	return int(math.Round(min(max(q, 0), 100)))
}
