// Package speexdsp cleans sound with the preprocessor of libspeexdsp: frames of 16-bit samples of one channel go in, the
// same frames with less noise, or at an even level, come out one frame later.
package speexdsp
