// Package face finds faces. A raster goes in; boxes with scores and five landmarks, in the pixels of that raster, come
// out. The model is any of the decoding family "yunet" (Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector,
// Machine Intelligence Research 20, 2023), run through a pipeline executor, so that callers share its batches.
package face
