// Package speaker tells who speaks. 16 kHz mono sound goes into an [Embedder], a network that gives one vector a stretch of
// speech; vectors of one person point the same way. A [Stream] gives the segments of a stream stable labels as they end, and
// [Embedder.Diarize] says of a whole recording who speaks when; both weigh, beside the voice, how a window's spectrum departs
// from the recording's. Labels are S1, S2, ... in the order in which people are first heard; who they are, this package
// does not know.
package speaker
