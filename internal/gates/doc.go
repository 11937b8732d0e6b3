// Package gates runs the gates: cameras go in, and what happens in front of them is written to the journal and told to whoever
// follows it and to a webhook. A camera waits for none of them. What the pictures mean is decided in vision/gate.
package gates
