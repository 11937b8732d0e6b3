// Package vad finds speech in 16 kHz mono sound: samples go into a [Stream] in chunks of any size, starts and ends of
// speech with their exact positions come out. What speech is, a model run by the engine decides, or an energy detector
// where there is no model.
package vad
