// Package speaker tells who speaks. 16 kHz mono sound goes into an [Embedder], a network that gives one vector a stretch of
// speech; vectors of one person point the same way. A [Clusterer] gives the vectors of a stream stable labels as they
// come, a [Stream] does so for the sound of final segments, and [Embedder.Diarize] says of a whole recording who spoke
// when. Labels are S1, S2, ... in the order in which people are first heard; who they are, this package does not know.
package speaker
