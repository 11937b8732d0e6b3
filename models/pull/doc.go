// Package pull fills a model store. In go the entries of a catalogue and a source (each file's URL, or a mirror folder or
// URL laid out like a store); out come complete files whose SHA-256 was checked while they were written, moved into
// place in one step. A pull can be interrupted at any instant, even by SIGKILL, and goes on where it stopped.
package pull
