//go:build !gocv_specific_modules

package main

func opencvVersion() string { return "" }
