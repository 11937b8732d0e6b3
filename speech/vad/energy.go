package vad

import (
	"context"
	"math"
)

// The energy detector's numbers: levels in dB of full scale.
const (
	energyGate    = -60 // quieter windows are never speech
	energyMargin  = 9   // above the noise floor, for a probability of one half
	energySlope   = 2   // dB from there to a probability of 0.73
	energyBuckets = 10  // the noise floor is the lowest level of this many buckets
	energyBucket  = 16  // windows in a bucket: half a second
)

// energy compares each window's level with the lowest of the last five seconds.
type energy struct {
	lastIn, lastOut float64
	level           float64 // smoothed, dB
	buckets         [energyBuckets]float64
	n               int // windows seen
}

func (e *energy) score(_ context.Context, window []float32) (float32, error) {
	sum := 0.0
	for _, x := range window {
		// A first-order high pass at about 100 Hz takes out the offset and the hum that would hide speech.
		y := float64(x) - e.lastIn + .961*e.lastOut
		e.lastIn, e.lastOut = float64(x), y
		sum += y * y
	}
	now := 10 * math.Log10(sum/float64(len(window))+1e-10)
	if e.n == 0 {
		e.level = now
		for i := range e.buckets {
			e.buckets[i] = math.Inf(1)
		}
	}
	e.level += .5 * (now - e.level)
	i := e.n / energyBucket % energyBuckets
	if e.n%energyBucket == 0 {
		e.buckets[i] = math.Inf(1)
	}
	e.buckets[i] = min(e.buckets[i], e.level)
	e.n++
	floor := math.Inf(1)
	for _, b := range e.buckets {
		floor = min(floor, b)
	}
	if now < energyGate {
		return 0, nil
	}
	// A noise floor under the gate is silence: rising over it is not yet speech.
	above := now - max(floor, energyGate)
	return float32(1 / (1 + math.Exp(-(above-energyMargin)/energySlope))), nil
}
