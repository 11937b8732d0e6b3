// Package proposal reads a case's papers and proposes hot words for its hearing. Texts go in; out come names of persons, companies
// and places, case numbers, causes of action, amounts, legal terms, and words that are frequent here and rare elsewhere, each with
// how often it occurs and the sentences that hold it. Names and numbers are found by rules of their own, terms by a list that
// models/training/speech/language/terms.py counted out of the statutes, rare words against a language model.
package proposal
