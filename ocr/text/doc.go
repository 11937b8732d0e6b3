// Package text finds and reads lines of text: pictures go in, [Region]s come out of a [Detector], and lines with a box, a
// confidence and candidates for every character out of a [Recognizer]; a [Direction] tells lines that stand on their head.
// All three know decoding families of the model catalogue ("dbnet", "ctc-line", "angle"), never a vendor's model.
package text
