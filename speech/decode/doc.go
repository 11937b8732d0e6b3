// Package decode turns what an acoustic model hears into text. Rows of posteriors (CTC) or of encoder output (transducer) go in,
// in chunks of any size; out come the likeliest texts so far, with the time and confidence of each character and how many of
// them never change again. A language model, characters beyond the acoustic model's tokens and hot words are part of the search.
package decode
