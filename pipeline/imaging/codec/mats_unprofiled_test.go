//go:build !gocv_specific_modules || !matprofile

package codec

// openMats counts open OpenCV matrices, which only the tag matprofile can.
func openMats() int { return 0 }
