// Package number writes spoken Chinese numbers as they are written: recognised text goes in, and out comes the text with amounts, dates, times,
// percentages, case numbers, telephone and identity numbers in digits, with a span for each place that says what was spoken there. What must
// stay in characters stays: articles of a law, terms of imprisonment, small counts, estimates and idioms. The rules stand in one table, and
// scripts under testdata, which a clerk can read, say what they do.
package number
