// Package vadtest opens real voice activity models for tests: a catalogue id goes in, a ready detector comes out, or the
// test is skipped by name.
package vadtest
