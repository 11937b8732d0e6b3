// Package language tells how likely a character is after others in spoken Chinese. A state, which stands for the last
// characters, and a character go in; the character's natural log-probability and the next state come out. The models are
// character n-grams in a compact file that is used as it lies in memory, alone or several mixed; package train makes them from
// texts and package spoken puts those into the form in which they are said.
package language
