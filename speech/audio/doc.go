// Package audio turns sound from outside into samples: raw PCM, WAV, FLAC, MP3 and Ogg/Opus bytes go in through an
// [io.Reader] in chunks of any size, interleaved float32 samples in -1..1 come out of a [Decoder], and a [Resampler]
// brings them to 16 kHz. What is not accepted is refused with a [refusal.Error], after the samples decoded before it.
package audio
