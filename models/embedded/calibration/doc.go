// Package calibration holds what is known of how often strangers' faces look alike to an embedding model: one file per
// model, MODEL-ID.json, made by "courtsense eval face calibrate" and read by package vision/calibration. A file belongs to
// the weights whose SHA-256 it names; the weights themselves need not be embedded.
package calibration
