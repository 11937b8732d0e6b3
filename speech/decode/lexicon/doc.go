// Package lexicon knows what a recogniser can write. The acoustic model's token table goes in; out come the units that a search
// writes, which are the tokens and, beyond them, the characters that are read like one of the tokens.
package lexicon
