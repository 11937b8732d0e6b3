// Package acoustic runs streaming speech recognition networks: 16 kHz sound of a channel goes into a [Stream] in chunks
// of any size, rows of numbers for a decoder come out, a row for each 30 or 40 ms. Of a CTC model a row holds the
// logarithms of its tokens' probabilities; of a transducer it is what the encoder makes of the sound, and [Transducer]
// holds the two networks that turn it into probabilities. The state of a stream is its own, so that chunks of many
// streams can be joined into one run by the engine.
package acoustic
