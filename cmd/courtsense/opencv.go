//go:build gocv_specific_modules

package main

import "gocv.io/x/gocv"

func opencvVersion() string { return gocv.OpenCVVersion() }
