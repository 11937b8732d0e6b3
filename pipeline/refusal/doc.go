// Package refusal is the one error type for input from outside that is not accepted: what was wrong with it, which limit
// it passed, and what would be accepted instead. Decoders return it; the services turn it into gRPC statuses.
package refusal
