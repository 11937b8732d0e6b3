// Package calibration says what a similarity of two face templates means: how often strangers look that alike. The
// templates of known people go in, and a curve from similarity to false match rate (FMR) comes out, each rate with a
// confidence interval from a bootstrap over people; the curve is kept as a small JSON file that belongs to one model's
// weights. With it a similarity becomes a rate, and a requested rate a threshold, or a refusal where the data can't tell.
package calibration
