// Package liveness tells a live person in front of the camera from a presentation attack, such as a print or a screen
// (passive presentation attack detection in the terms of ISO/IEC 30107-3). One picture or several frames of one person go
// in, each with its detected face; a verdict with a score, the threshold, and where there is no verdict the reason, come
// out. The models are of the decoding family "minifasnet"; several of them, each looking at its own crop, form an ensemble.
package liveness
