// Command cmd generates what is derived from the contract: in go the .proto files below -root, out come the generated
// files below -out, or the descriptor set that -descriptors names. scripts/proto calls it.
package main
