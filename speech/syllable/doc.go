// Package syllable knows how Mandarin characters are read. A character goes in and its syllables with tones come out, the
// commonest first; a syllable goes in and the characters that are read so come out, the commonest first. Readings are those of
// Unihan, by way of go-pinyin; how frequent a character is was counted by models/training/speech/language/characters.py.
package syllable
