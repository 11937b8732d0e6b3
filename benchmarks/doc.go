// Package benchmarks measures the server against peers and against the bare runtime, both in one process and in turns, so
// that what is reported is a ratio that holds on any machine. In goes a model store; out come rates, ratios and overheads.
package benchmarks
