// Package gate turns the frames of one camera into events at a gate: somebody was admitted, refused, unknown, a presentation
// attack, or came in on another's admission. Frames with their time go in; faces are followed from frame to frame, the best
// shots of each are identified, the person is decided by a vote over them, and the zone's [Policy] says what that means; one
// [Event] a passage comes out, however long somebody stands there. The models are behind the [Recogniser] interface, so that
// following, voting and deciding are tested with scripted faces.
package gate
