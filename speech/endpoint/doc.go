// Package endpoint decides when an utterance is over: its length and the silence since the last recognised character go in,
// the rule that ends it comes out.
package endpoint
