package rpc_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/triflow/triflow/pkg/rpc"
	gatewayv1 "github.com/triflow/triflow/proto/gen/triflow/gateway/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers GetConfig by what the context says, and Watch with two events.
type echo struct {
	gatewayv1.UnimplementedConfigServiceServer
	gatewayv1.UnimplementedLiveServiceServer
	answer *gatewayv1.GetConfigResponse
}

func (e *echo) GetConfig(ctx context.Context, _ *gatewayv1.GetConfigRequest) (*gatewayv1.GetConfigResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if m := md.Get("mode"); len(m) == 1 && m[0] == "panic" {
		panic("boom")
	} else if len(m) == 1 && m[0] == "refuse" {
		return nil, rpc.InvalidArgument("mode", "refuse, want another")
	} else if len(m) == 1 && m[0] == "hang" {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if _, has := ctx.Deadline(); !has {
		return nil, status.Error(codes.Internal, "no deadline")
	}
	return e.answer, nil
}

func (e *echo) Watch(_ *gatewayv1.WatchRequest, s grpc.ServerStreamingServer[gatewayv1.WatchResponse]) error {
	for _, id := range []string{"a", "b"} {
		if err := s.Send(&gatewayv1.WatchResponse{Id: id}); err != nil {
			return err
		}
	}
	return nil
}

// TestBothKindsOfConnectionBehaveAlike is the contract of a connection, in process and over the network.
func TestBothKindsOfConnectionBehaveAlike(t *testing.T) {
	i, err := rpc.NewInterceptors(slog.New(slog.DiscardHandler), noop.Meter{}, time.Minute)
	require.NoError(t, err)

	t.Run("local", func(t *testing.T) {
		l := rpc.NewLocal(i, time.Minute)
		e := &echo{answer: answer()}
		gatewayv1.RegisterConfigServiceServer(l, e)
		gatewayv1.RegisterLiveServiceServer(l, e)
		contract(t, l.Conn(), e)
	})
	t.Run("net", func(t *testing.T) {
		s := rpc.NewServer(i)
		e := &echo{answer: answer()}
		gatewayv1.RegisterConfigServiceServer(s, e)
		gatewayv1.RegisterLiveServiceServer(s, e)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- s.Serve(listener) }()
		conn, err := rpc.Dial("passthrough:///"+listener.Addr().String(), time.Minute)
		require.NoError(t, err)
		contract(t, conn, e)
		require.NoError(t, conn.Close())
		s.Stop()
		require.NoError(t, <-served)
	})
}

func answer() *gatewayv1.GetConfigResponse {
	return &gatewayv1.GetConfigResponse{Settings: []*gatewayv1.Setting{{Name: "data", Value: "x"}}}
}

func contract(t *testing.T, conn grpc.ClientConnInterface, e *echo) {
	client := gatewayv1.NewConfigServiceClient(conn)
	mode := func(m string) context.Context {
		return metadata.AppendToOutgoingContext(context.Background(), "mode", m)
	}

	got, err := client.GetConfig(context.Background(), &gatewayv1.GetConfigRequest{})
	require.NoError(t, err, "a deadline is given where there is none")
	require.True(t, proto.Equal(e.answer, got))
	got.Settings[0].Value = "changed"
	require.Equal(t, "x", e.answer.GetSettings()[0].GetValue(), "the answer is not shared")

	_, err = client.GetConfig(mode("refuse"), &gatewayv1.GetConfigRequest{})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Len(t, status.Convert(err).Details(), 1)

	_, err = client.GetConfig(mode("panic"), &gatewayv1.GetConfigRequest{})
	require.Equal(t, codes.Internal, status.Code(err))

	ctx, cancel := context.WithTimeout(mode("hang"), time.Millisecond)
	defer cancel()
	_, err = client.GetConfig(ctx, &gatewayv1.GetConfigRequest{})
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))

	stream, err := gatewayv1.NewLiveServiceClient(conn).Watch(context.Background(), &gatewayv1.WatchRequest{})
	require.NoError(t, err)
	for _, want := range []string{"a", "b"} {
		event, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, want, event.GetId())
	}
	_, err = stream.Recv()
	require.EqualError(t, err, "EOF")

	out := dynamicpb.NewMessage((&gatewayv1.GetConfigResponse{}).ProtoReflect().Descriptor())
	in := dynamicpb.NewMessage((&gatewayv1.GetConfigRequest{}).ProtoReflect().Descriptor())
	require.NoError(t, conn.Invoke(context.Background(), gatewayv1.ConfigService_GetConfig_FullMethodName, in, out))
	have := &gatewayv1.GetConfigResponse{}
	proto.Merge(have, out)
	require.True(t, proto.Equal(e.answer, have), "a caller may know the messages by descriptor alone")
}
