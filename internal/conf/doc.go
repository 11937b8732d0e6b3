// Package conf reads the server's configuration: defaults, then one YAML file, then COURTSENSE_* environment variables,
// then command-line flags go in; one checked [Config] comes out, or the list of everything that is wrong with it, each
// problem with its file and line, variable or flag, and a suggestion where a key was misspelt.
package conf
