// Package api holds the contract: the .proto files with their generated Go in courtsense/v1, and here what else is derived
// from them, the OpenAPI description and the check for what a release does not serve yet. It takes no input but request
// messages and knows nothing of the server.
package api
