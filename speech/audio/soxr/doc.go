// Package soxr changes the sample rate with the SoX resampler library (libsoxr), quality HQ (20 bits, linear phase):
// interleaved float32 blocks at one rate go in, blocks at another come out some milliseconds later.
package soxr
