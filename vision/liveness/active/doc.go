// Package active tells a live person from a picture, a film or a fed-in stream of one by challenge and response. A drawn
// challenge of two or three actions and, frame by frame, what was measured on the face go in; what to show the person
// next, guidance, and one outcome with its evidence come out. A [Session] is a state machine without clock, model or
// network: times and measurements are handed to it, so that it can be played through in tests. [Meter] measures frames
// with the models of package face.
package active
