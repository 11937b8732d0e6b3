package server

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

// envelope carries what is wrong with a received message past gRPC. Given the error itself, gRPC would send a status of
// its own, without details, before the server could.
type envelope struct {
	message proto.Message
	err     error
}

// codec is gRPC's protobuf codec with a size limit whose violation is explained to the client.
type codec struct {
	encoding.CodecV2
	limit conf.Bytes
}

func newCodec(limit conf.Bytes) codec {
	return codec{CodecV2: encoding.GetCodecV2(encodingproto.Name), limit: limit}
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	env, ok := v.(*envelope)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	if n := data.Len(); int64(n) > int64(c.limit) {
		env.err = tooLarge(int64(n), c.limit, "server.max_message_bytes")
		return nil
	}
	if err := c.CodecV2.Unmarshal(data, env.message); err != nil {
		env.err = rpcerror.New(codes.InvalidArgument, rpcerror.ReasonMalformed,
			fmt.Sprintf("the request is no valid %s message", env.message.ProtoReflect().Descriptor().FullName()))
	}
	return nil
}

func tooLarge(got int64, limit conf.Bytes, key string) error {
	text := "the request"
	options := []rpcerror.Option{rpcerror.Meta("limit", fmt.Sprint(int64(limit)))}
	if got > 0 {
		text = fmt.Sprintf("the request of %d bytes", got)
		options = append(options, rpcerror.Meta("got", fmt.Sprint(got)))
	}
	return rpcerror.New(codes.ResourceExhausted, rpcerror.ReasonMessageTooLarge,
		fmt.Sprintf("%s exceeds %v (config %s); send large content in a stream, or in parts", text, limit, key), options...)
}
