// Package accuracy measures the statute index: provisions are drawn from it, recited with simulated errors of recognition, and looked up
// again; and free text, in which nobody recites, must stay as it is. An index and sentences go in, counts come out.
package accuracy
