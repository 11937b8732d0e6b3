// Command readings prints for the training recipes how each Mandarin character is read: the character, its syllable with the tone
// ("zhong1") and how often it occurs in a million characters of text, separated by tabs, one character a line.
package main
