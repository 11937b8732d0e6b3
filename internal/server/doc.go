// Package server is everything between the sockets and the handlers: kratos' gRPC and HTTP transports, TLS, limits,
// deadlines, request ids, validation, errors, health, metrics, logs and the drain. Registered services and a configuration
// go in; a server that runs until it is told to stop comes out. It knows nothing of what the services do.
package server
