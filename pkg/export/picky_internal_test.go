package export

import (
	"context"
	"strings"
	"sync"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// picky is a backend that refuses every request with a span whose name begins with bad, as a strict one does.
type picky struct {
	mu  sync.Mutex     // guards got
	got map[string]int // spans that it took, by name
}

func (b *picky) send(_ context.Context, p part, _ bool) outcome {
	data, err := raw{}.Marshal(p)
	if err != nil {
		return failedCall(err)
	}
	var r collectorv1.ExportTraceServiceRequest
	if err := proto.Unmarshal(data.Materialize(), &r); err != nil {
		return failedCall(status.Error(codes.InvalidArgument, err.Error()))
	}
	names := make(map[string]int)
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				if strings.HasPrefix(s.GetName(), "bad") {
					return failedCall(status.Error(codes.InvalidArgument, s.GetName()))
				}
				names[s.GetName()]++
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, n := range names {
		b.got[name] += n
	}
	return outcome{verdict: accepted}
}

func (b *picky) close() error { return nil }
