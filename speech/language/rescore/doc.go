// Package rescore weighs the finished texts of a recogniser's search once more, by a model that sees both sides of each
// character: the LSTM language model of package charlm. The n best texts of an utterance go in; for each a natural logarithm
// comes out, its pseudo-log-likelihood (Salazar et al. 2020).
package rescore
