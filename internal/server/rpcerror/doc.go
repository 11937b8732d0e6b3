// Package rpcerror makes every error that leaves the server a gRPC status with google.rpc.ErrorInfo. Refusals, engine
// failures, context errors and anything else go in; statuses that tell a client what to do, and no more, come out.
package rpcerror
