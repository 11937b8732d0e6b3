// Package adapt teaches a character language model a court's own texts. A folder of texts and a model go in; a model that
// knows a held-out share of the texts better comes out, with a report of before and after. All of it happens in this process.
package adapt
