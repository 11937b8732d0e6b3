// Package train makes character n-gram models from texts. Several sources of text go in; each is smoothed by interpolated modified
// Kneser-Ney (Chen & Goodman 1999), their probabilities are interpolated by weights given or found on held-out text, what
// matters least is pruned (weighted difference: Seymore & Rosenfeld 1996) until the model fits its size, and the back-off
// weights are computed anew so that all probabilities sum to one. A file of package language comes out.
package train
