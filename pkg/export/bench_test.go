package export

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/handoff"
)

// typical is a request of so many spans of some 380 bytes, with ten attributes each and a resource of twelve.
func typical(b *testing.B, spans int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 2))
	attributes := func(n int) (out []*commonv1.KeyValue) {
		for i := range n {
			out = append(out, &commonv1.KeyValue{Key: fmt.Sprintf("some.attribute.%d", i), Value: &commonv1.AnyValue{
				Value: &commonv1.AnyValue_StringValue{StringValue: fmt.Sprint("value ", rng.IntN(20))},
			}})
		}
		return out
	}
	ss := &tracev1.ScopeSpans{Scope: &commonv1.InstrumentationScope{Name: "shop"}}
	for range spans {
		id := fmt.Appendf(nil, "%08x%08x", rng.Uint32(), rng.Uint32())
		ss.Spans = append(ss.Spans, &tracev1.Span{
			TraceId: id, SpanId: id[:8], Name: "GET /cart/{id}", StartTimeUnixNano: rng.Uint64(), EndTimeUnixNano: rng.Uint64(),
			Attributes: attributes(10),
		})
	}
	out, err := proto.Marshal(&collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource: &resourcev1.Resource{Attributes: attributes(12)}, ScopeSpans: []*tracev1.ScopeSpans{ss},
	}}})
	require.NoError(b, err)
	return out
}

// BenchmarkPack packs a request of 512 spans as exports do.
func BenchmarkPack(b *testing.B) {
	payload := typical(b, 512, 1)
	for _, kind := range []Compression{Gzip, Zstd} {
		b.Run(string(kind), func(b *testing.B) {
			p, size := newPacker(kind), 0
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				size = len(p.packed(payload))
			}
			b.ReportMetric(float64(len(payload))/float64(size), "ratio")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/512, "µs/span")
		})
	}
}

// BenchmarkExport delivers requests of 50 spans to a server on the same machine that acknowledges at once, one after the
// other and joined. An operation is a span.
func BenchmarkExport(b *testing.B) {
	var payloads [64][]byte // they differ, lest a joint request be packed to nothing
	for i := range payloads {
		payloads[i] = typical(b, 50, uint64(i))
	}
	for name, join := range map[string]Join{"alone": {Items: 1}, "joined": {}} {
		for _, kind := range []Compression{None, Gzip, Zstd} {
			b.Run(name+"/"+string(kind), func(b *testing.B) {
				x, err := New(Config{
					Name: "tempo", Signal: traces, Join: join, Compression: kind, Endpoints: []Endpoint{{URL: "grpc://" + yesSayer(b, kind)}},
				}, Deps{Now: time.Now, Rand: rand.Float64})
				require.NoError(b, err)
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- x.Run(ctx) }()
				var open sync.WaitGroup
				b.ResetTimer()
				for n := 0; n < b.N; n += 50 {
					open.Add(1)
					require.NoError(b, x.Push(ctx, handoff.Batch{Signal: traces, Items: 50, Payload: payloads[n/50%len(payloads)], Done: open.Done}))
				}
				open.Wait()
				b.StopTimer()
				b.ReportMetric(float64(x.Stats().Endpoints[0].Sent)*50/float64(b.N), "requests/batch")
				cancel()
				require.NoError(b, <-ended)
			})
		}
	}
}

// yesSayer gives the address of a server that acknowledges what it does not look at.
func yesSayer(b *testing.B, kind Compression) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := grpc.NewServer(grpc.ForceServerCodecV2(blind{}),
		grpc.RPCDecompressor(discard(kind))) //nolint:staticcheck // the other way is one for the whole process
	collectorv1.RegisterTraceServiceServer(server, yesServer{})
	go func() { _ = server.Serve(listener) }() // it ends with Stop
	b.Cleanup(server.Stop)
	return listener.Addr().String()
}

type yesServer struct {
	collectorv1.UnimplementedTraceServiceServer
}

func (yesServer) Export(context.Context, *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// blind is a codec that reads nothing and writes empty messages.
type blind struct{}

func (blind) Name() string { return "proto" }

func (blind) Marshal(any) (mem.BufferSlice, error) { return nil, nil }

func (blind) Unmarshal(mem.BufferSlice, any) error { return nil }

// discard is a grpc.Decompressor that unpacks nothing.
type discard string

func (d discard) Type() string { return string(d) }

func (discard) Do(r io.Reader) ([]byte, error) {
	_, err := io.Copy(io.Discard, r)
	return nil, err
}
