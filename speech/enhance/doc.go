// Package enhance makes speech easier to hear: 16 kHz sound of one channel goes into a [Stream] in chunks of any size, the
// same sound with less noise, at an even level if that is wanted, comes out, sample for sample at its old place. Noise is
// taken out by a network that the engine runs where there is one (GTCRN), else by libspeexdsp, which also does the level.
package enhance
