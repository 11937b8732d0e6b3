package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// waitReady waits until the connection stands, and fails as soon as a first attempt has failed.
func waitReady(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			return connectFailure(ctx, conn)
		}
		if !conn.WaitForStateChange(ctx, state) {
			return errors.New("it took too long")
		}
	}
}

// connectFailure asks for the reason, which only a call reports.
func connectFailure(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err == nil {
		return nil
	}
	return errors.New(status.Convert(err).Message())
}
