// Package speakertest opens the embedded speaker embedding for tests: an entry, changed as a test wishes, goes in, a ready
// embedder comes out, or the test is skipped by name.
package speakertest
