// Package face finds faces, and turns them into templates that can be compared. A raster goes in; boxes with scores and
// five landmarks, in the pixels of that raster, come out of a Detector, and for each of them a vector of length 1 out of
// an Embedder. The detection model is any of the decoding family "yunet" (Wu, Peng, Yu: YuNet, a tiny millisecond-level
// face detector, Machine Intelligence Research 20, 2023), the embedding model any of the family "embedding"; both run
// through a pipeline executor, so that callers share its batches.
package face
