// Package written turns what was recognised into what is written down: recited provisions in their exact words, punctuation, and numbers in
// figures. Spoken text goes in; written text comes out, with the places that quote the law and what was spoken there.
package written
