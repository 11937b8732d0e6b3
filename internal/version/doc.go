// Package version knows which build of courtsense this is; every answer's provenance carries it.
package version
