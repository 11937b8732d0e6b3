// Package search finds the nearest of many templates exactly. Vectors of length 1, each with an owner, go into an [Index];
// the k owners nearest to a query come out, by the cosine of their best vector. A [Searcher] does the products: the engine's
// (NewEngine: 8-bit codes that stay with the device, and a proven bound on what they can be wrong by) or plain Go's
// (NewPlain). Every vector that the bound leaves in question is compared again in full, so that the answer is that of
// comparing all of them.
package search
