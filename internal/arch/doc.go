// Package arch holds the repository to its own plan. The packages' imports, comments and names and the documents' links go
// in; a failing test with the rule that was broken comes out. It has no code of its own.
package arch
