// Package models knows which weights exist, where they lie and whether they are what they claim to be. In goes the
// catalogue (catalog.yaml, the only place that names a model) and a folder on disk; out come [Artifact] values: an
// [Entry] together with bytes whose SHA-256 has been checked. Nothing here runs a model or knows a runtime.
package models
