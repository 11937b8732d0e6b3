// Package fbank turns 16 kHz sound into log mel filterbank features as Kaldi computes them: samples go into a [Stream] in
// chunks of any size, rows of features come out, the same ones bit for bit however the sound was cut. Rows can be stacked
// and thinned out on the way (low frame rate), as small recognisers want them.
package fbank
