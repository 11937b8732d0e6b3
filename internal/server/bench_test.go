package server

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
)

// BenchmarkUnaryCall compares the whole chain (ids, metrics, log, limits, validation) with a bare gRPC server, both over
// loopback and with a handler that does nothing: the difference is what a call costs here.
func BenchmarkUnaryCall(b *testing.B) {
	run := func(b *testing.B, address string) {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(b, err)
		defer conn.Close()
		client, request := courtsensev1.NewFaceServiceClient(conn), detectRequest()
		for b.Loop() {
			if _, err := client.Detect(context.Background(), request); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("bare", func(b *testing.B) {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		server, done := grpc.NewServer(), make(chan error, 1)
		courtsensev1.RegisterFaceServiceServer(server, &faces{})
		go func() { done <- server.Serve(lis) }()
		run(b, lis.Addr().String())
		server.Stop()
		<-done
	})
	b.Run("server", func(b *testing.B) {
		config := conf.Default().Server
		config.GRPC.Address, config.HTTP.Address = "127.0.0.1:0", ""
		server, err := New(config, []Service{{Desc: &courtsensev1.FaceService_ServiceDesc, Impl: &faces{}}}, WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(b, err)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- server.Run(ctx) }()
		run(b, server.GRPCAddr().String())
		stop()
		<-done
	})
}
