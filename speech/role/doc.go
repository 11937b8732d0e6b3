// Package role tells who speaks in a hearing by their part in it: what is said goes in, turn by turn, with its channel and speaker; the role of
// each comes out, from the seat of the channel, from the clerk's word, or from phrases that give somebody away.
package role
