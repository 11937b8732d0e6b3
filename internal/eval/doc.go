// Package eval measures how well and how fast pages are read and faces are compared. A folder of samples with their truth
// goes in; one raw record per sample and a report with error rates, their 95 % intervals and speeds come out. Reports are
// computed from the raw records alone, so that anyone can score a run again, or another system's.
package eval
