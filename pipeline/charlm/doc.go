// Package charlm is a character language model: which character stands between these neighbours? A text's classes and the
// places in doubt go in; for each place a vector comes out whose product with a candidate's row tells how much likelier it is
// there than another: a candidate costs one row, no softmax. Two LSTMs read what stands to the left and to the right
// (Hochreiter & Schmidhuber 1997), and a hidden layer joins them (as context2vec does: Melamud, Goldberger & Dagan 2016).
// The model also measures itself on texts and learns from them.
package charlm
