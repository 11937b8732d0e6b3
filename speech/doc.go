// Package speech turns a stream of sound into speech segments: bytes of any accepted encoding go in, in chunks of any
// size; interim and final segments with exact times come out, for each channel.
package speech
