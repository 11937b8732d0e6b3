// Package protogen compiles the .proto files of the contract and runs the protoc plugins pinned in go.mod over them.
// In goes the folder of the sources; out come the generated files, or one descriptor set with all imports. It needs
// neither protoc nor copies of other projects' .proto files: imports such as google/api/annotations.proto are taken from
// the descriptors that their Go packages carry.
package protogen
