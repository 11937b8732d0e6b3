//go:build gocv_specific_modules && matprofile

package codec

import "gocv.io/x/gocv"

func openMats() int { return gocv.MatProfile.Count() }
