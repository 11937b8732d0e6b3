// Package gallery keeps the templates of known persons, encrypted, and finds who a face belongs to. Templates with a
// person's id and labels go in; the nearest persons with their cosines come out, and whether that is a match is for the
// caller to decide. A [Store] is one SQLite file with any number of galleries, each bound to one embedding model: what was
// acknowledged survives a crash, what was removed is gone from the file, and whoever has the file without the key learns
// nothing of a person but that there are so many. It runs no model and knows no pictures.
package gallery
