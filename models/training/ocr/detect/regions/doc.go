// Command regions finds the lines of text on pictures with a detector of the catalogue, exactly as pages are read, and prints
// them as JSON lines, for measure.py: pictures go in, rectangles and curved outlines in pixels come out.
package main
