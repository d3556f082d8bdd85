package ingestion

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // clients may pack
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/otlp"
)

// raw is a codec that leaves messages the bytes they are.
type raw struct{}

// Name implements encoding.CodecV2.
func (raw) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("marshal %T: want bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal implements encoding.CodecV2. It copies, since the buffers go back to gRPC.
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("unmarshal %T: want bytes", v)
	}
	*b = data.Materialize()
	return nil
}

func (s *Service) grpcServer() *grpc.Server {
	g := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(s.cfg.MaxBytes),
		grpc.MaxConcurrentStreams(1000), grpc.UnaryInterceptor(s.calls.Unary))
	for i, name := range []string{"trace.v1.TraceService", "logs.v1.LogsService", "metrics.v1.MetricsService"} {
		name = "opentelemetry.proto.collector." + name
		g.RegisterService(&grpc.ServiceDesc{
			ServiceName: name, HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: s.handler(otlp.Signal(i), "/"+name+"/Export")}},
		}, s)
	}
	return g
}

// handler reads within the interceptor, so that a panic of unpacking or checking costs one call.
func (s *Service) handler(signal otlp.Signal, method string) grpc.MethodHandler {
	return func(_ any, ctx context.Context, read func(any) error, around grpc.UnaryServerInterceptor) (any, error) {
		return around(ctx, nil, &grpc.UnaryServerInfo{Server: s, FullMethod: method}, func(ctx context.Context, _ any) (any, error) {
			return s.export(ctx, signal, read)
		})
	}
}

func (s *Service) export(ctx context.Context, signal otlp.Signal, read func(any) error) (any, error) {
	st := s.streams[signal]
	st.requests.Add(1)
	var b []byte
	if err := read(&b); err != nil {
		if status.Code(err) == codes.Internal { // gRPC's code for what cannot be unpacked
			err = status.Error(codes.InvalidArgument, status.Convert(err).Message())
		}
		st.refuse(reason(err), 1)
		return nil, err
	}
	if err := s.reserve(int64(len(b))); err != nil {
		st.refuse(reason(err), 1)
		return nil, err
	}
	defer s.inFlight.Add(-int64(len(b)))
	out, err := s.accept(ctx, signal, b, nil, false)
	if err != nil {
		return nil, err
	}
	return out.protobuf(), nil
}
