// Package app puts the parts together: a configuration goes in; the model store, the runtime, the engine with its models
// loaded and warm, and the services on top of them come out. The server and the client commands start from the same parts.
package app
