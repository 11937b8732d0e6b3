// Package testinput finds what tests read: the committed testdata folder, and the weights and data sets that may lie
// beside a checkout but are never part of it. A test that needs an absent one is skipped by name.
package testinput
