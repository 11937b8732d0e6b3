// Package service answers the calls of the contract: a request message goes in, the domains' work is done with the
// engine's models, and an answer with its provenance comes out. It says who may ask for what; what the numbers mean is
// decided in vision, ocr and speech, and how bytes travel in package server.
package service
