package ingestion

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
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

// message is where a request is read into.
type message struct {
	from *buffers
	got  *buffer
}

// Unmarshal implements encoding.CodecV2. It copies, since the buffers go back to gRPC.
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *message:
		m.got = m.from.get(data.Len())
		m.got.bytes = m.got.bytes[:data.Len()]
		data.CopyTo(m.got.bytes)
	case *[]byte:
		*m = data.Materialize()
	default:
		return fmt.Errorf("unmarshal %T: want a message", v)
	}
	return nil
}

// A message that came packed is left packed for export to unpack, where the bytes are counted as they come out, and
// where a fault is the client's: gRPC answers that itself with INTERNAL, which says the server is broken. A mark is put
// before it; no protobuf message begins so: the marks would be tags with wire type 7, and there is none.
const (
	gzipMark = 0x1f
	zstdMark = 0x27
)

// encodingOf takes a message apart into the encoding it is packed by, if it is, and the rest.
func encodingOf(b []byte) (string, []byte) {
	if len(b) > 0 && b[0] == gzipMark {
		return "gzip", b[1:]
	}
	if len(b) > 0 && b[0] == zstdMark {
		return "zstd", b[1:]
	}
	return "", b
}

// keepGzip is the grpc.Decompressor of a server.
type keepGzip struct{}

// Type implements grpc.Decompressor.
func (keepGzip) Type() string { return "gzip" }

// Do implements grpc.Decompressor.
func (keepGzip) Do(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte(gzipMark)
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// keepZstd is what zstd is to gRPC in this process.
type keepZstd struct{}

// AcceptZstd lets the gRPC servers of this process take messages packed by zstd; without it they answer UNIMPLEMENTED.
// gRPC keeps its encodings for the whole process, so it is called once, before anything is served, and a gRPC client of
// this process can neither send nor read zstd.
func AcceptZstd() { encoding.RegisterCompressor(keepZstd{}) }

// Name implements encoding.Compressor.
func (keepZstd) Name() string { return "zstd" }

// Compress implements encoding.Compressor. An answer is not worth packing.
func (keepZstd) Compress(io.Writer) (io.WriteCloser, error) {
	return nil, fmt.Errorf("pack by zstd: want a server that answers unpacked")
}

// Decompress implements encoding.Compressor.
func (keepZstd) Decompress(r io.Reader) (io.Reader, error) {
	return io.MultiReader(bytes.NewReader([]byte{zstdMark}), r), nil
}

func (s *Service) grpcServer() *grpc.Server {
	g := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(s.cfg.MaxBytes), grpc.InTapHandle(stoppable),
		grpc.StaticStreamWindowSize(windowBytes), grpc.MaxConcurrentStreams(1000), grpc.ReadBufferSize(128<<10), experimental.BufferPool(&pool{}),
		grpc.RPCDecompressor(keepGzip{})) //nolint:staticcheck // SA1019: what replaces it is global to the process
	for i, name := range []string{"trace.v1.TraceService", "logs.v1.LogsService", "metrics.v1.MetricsService"} {
		name = "opentelemetry.proto.collector." + name
		g.RegisterService(&grpc.ServiceDesc{
			ServiceName: name, HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: s.handler(otlp.Signal(i))}},
		}, s)
	}
	return g
}

func (s *Service) handler(signal otlp.Signal) grpc.MethodHandler {
	return func(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (_ any, err error) {
		defer s.guard("grpc", &err)
		// gRPC would answer by the encoding of the request.
		if err := grpc.SetSendCompressor(ctx, encoding.Identity); err != nil {
			return nil, err
		}
		start := time.Now()
		out, no := s.export(ctx, signal, read)
		s.metrics.served(ctx, overGRPC, signal, time.Since(start), no)
		if no != nil {
			return nil, no
		}
		return out.protobuf(), nil
	}
}

func (s *Service) export(ctx context.Context, signal otlp.Signal, read func(any) error) (outcome, *refusal) {
	in := intake{
		s: s, stream: s.streams[signal], address: peerOf(ctx),
		credential: fingerprint(first(metadata.ValueFromIncomingContext(ctx, "authorization"))),
	}
	defer in.end()
	if no := in.begin(first(metadata.ValueFromIncomingContext(ctx, s.cfg.TenantHeader))); no != nil {
		return outcome{}, in.refuse(no, 1)
	}
	m := message{from: s.buffers}
	defer func() { m.got.release() }()
	no := s.seats.read(ctx, &in, func() (int, *refusal) {
		if err := read(&m); err != nil {
			return 0, notRead(err)
		}
		return len(m.got.bytes), nil
	})
	if no != nil {
		return outcome{}, in.refuse(no, 1)
	}
	if encoding, packed := encodingOf(m.got.bytes); encoding != "" {
		b, no := in.unpack(encoding, packed)
		m.got.release()
		m.got = b
		if no != nil {
			return outcome{}, in.refuse(no, 1)
		}
	}
	return in.accept(ctx, signal, m.got, nil, otlpProtobuf)
}

// first of the values of a header, or nothing.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// peerOf is the host that a call comes from.
func peerOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	return hostOf(p.Addr.String())
}

// hostOf leaves the port off an address.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// stopKey is what the function that ends a call is kept under in its context.
type stopKey struct{}

// stoppable lets a call be ended while gRPC reads it, which goes on as long as the client likes.
func stoppable(ctx context.Context, _ *tap.Info) (context.Context, error) {
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(ctx, cancel) // gRPC ends ctx with the call
	return context.WithValue(ctx, stopKey{}, cancel), nil
}

// stopOf is what ends the call of ctx; nil if nothing does.
func stopOf(ctx context.Context) func() {
	cancel, _ := ctx.Value(stopKey{}).(context.CancelFunc)
	return cancel
}
