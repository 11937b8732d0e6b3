// Package assignment matches the rows of a matrix of costs with its columns, one to one and as cheaply as can be: tracks with
// detections, speakers with the labels that were found.
package assignment
