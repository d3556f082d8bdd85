package ingestion

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/tap"

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

// keepPacked leaves gzip to export, where the bytes are counted as they come out, and where a fault is the client's: gRPC
// answers that itself with INTERNAL, which says the server is broken. It puts packedMark before the message.
type keepPacked struct{}

// packedMark begins no protobuf message: it would be a tag with wire type 7, and there is none.
const packedMark = 0x1f

// Type implements grpc.Decompressor.
func (keepPacked) Type() string { return "gzip" }

// Do implements grpc.Decompressor.
func (keepPacked) Do(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte(packedMark)
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

func (s *Service) grpcServer() *grpc.Server {
	g := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(s.cfg.MaxBytes), grpc.InTapHandle(limit),
		grpc.StaticStreamWindowSize(windowBytes), grpc.MaxConcurrentStreams(1000), grpc.UnaryInterceptor(s.calls.Unary),
		grpc.RPCDecompressor(keepPacked{})) //nolint:staticcheck // SA1019: what replaces it is global to the process
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
	start := time.Now()
	out, r := s.exportRead(ctx, signal, read)
	s.metrics.served(ctx, "grpc", signal, time.Since(start), r)
	if r != nil {
		return nil, r
	}
	return out.protobuf(), nil
}

func (s *Service) exportRead(ctx context.Context, signal otlp.Signal, read func(any) error) (outcome, *refusal) {
	st := s.streams[signal]
	st.requests.Add(1)
	var b []byte
	held, r := s.ceiling.read(ctx, func() (int, *refusal) {
		if err := read(&b); err != nil {
			return 0, notRead(err)
		}
		return len(b), nil
	})
	defer s.ceiling.release(held)
	if r != nil {
		return outcome{}, st.refuse(r, 1)
	}
	if len(b) > 0 && b[0] == packedMark {
		unpacked, more, r := s.unpack(bytes.NewReader(b[1:]))
		defer s.ceiling.release(more)
		if r != nil {
			return outcome{}, st.refuse(r, 1)
		}
		b = unpacked
	}
	return s.accept(ctx, signal, b, nil, false)
}

// limit bounds a call before it is read, whatever its own deadline, so that a client that stops sending frees its seat.
func limit(ctx context.Context, _ *tap.Info) (context.Context, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	context.AfterFunc(ctx, cancel) // gRPC ends ctx with the call
	return ctx, nil
}
