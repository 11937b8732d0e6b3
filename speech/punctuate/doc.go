// Package punctuate puts ，。？！：；、 into text that has none: recognised characters go in, and the mark behind each comes out. The text is cut into
// words, and a network reads them in both directions. A stream settles marks in blocks of 8 characters once 13 more follow, the same however it is
// cut; a whole text, read at once, is judged by all that follows.
package punctuate
