// Package punctuate puts ，。？！：；、 into text that has none: recognised characters go in, and the mark behind each comes out. The network looks
// 57 characters back and 13 ahead, so that a stream's marks are settled once 13 characters follow them, and are the same however it is cut.
package punctuate
