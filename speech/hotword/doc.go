// Package hotword makes phrases that are likely to be said easier to recognise. Phrases with weights go in; out comes a context
// graph (an Aho-Corasick automaton) that a beam search walks character by character, found by the characters and by their
// sounds, and each phrase that can't be used comes back with the reason.
package hotword
