package export_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/export"
)

// peers are endpoints of one priority.
func peers(by export.Balance, backends ...*backend) export.Config {
	cfg := quick(by, backends...)
	for i := range cfg.Endpoints {
		cfg.Endpoints[i].Priority = 0
	}
	return cfg
}

func TestPeersShareTheLoad(t *testing.T) {
	for _, by := range []export.Balance{export.RoundRobin, export.LeastConnections} {
		a, b := newBackend(t, "grpc", nil), newBackend(t, "http", nil)
		r := run(t, peers(by, a, b))
		for i := range 10 {
			<-r.push(request(t, fmt.Sprint(i), 1), 1)
		}
		require.Len(t, a.names(), 5)
		require.Len(t, b.names(), 5)
	}
}

func TestLeastConnectionsKeepsAwayFromWhoHangs(t *testing.T) {
	a := newBackend(t, "grpc", func(int) reply { return reply{hang: true} })
	b := newBackend(t, "grpc", nil)
	r := run(t, peers(export.LeastConnections, a, b))
	hanging := r.push(request(t, "hangs", 1), 1)
	a.wait(t, func() bool { return a.requests == 1 })
	for i := range 10 {
		<-r.push(request(t, fmt.Sprint(i), 1), 1)
	}
	require.Len(t, b.names(), 10)
	require.Equal(t, 1, r.Stats().Endpoints[0].InFlight)
	r.stop()
	require.Zero(t, r.Stats().Endpoints[0].InFlight)
	select {
	case <-hanging:
		t.Fatal("done though nobody took it")
	default:
	}
}

func TestTheSpansOfATraceGoToOneEndpoint(t *testing.T) {
	a, b, c := newBackend(t, "grpc", nil), newBackend(t, "http", nil), newBackend(t, "grpc", nil)
	r := run(t, peers(export.TraceID, a, b, c))
	var ids []byte
	for id := byte(1); id <= 60; id++ {
		ids = append(ids, id)
	}
	<-r.push(request(t, "one", ids...), len(ids))
	<-r.push(request(t, "two", ids...), len(ids))
	seen := make(map[string]bool)
	for _, backend := range []*backend{a, b, c} {
		require.NotEmpty(t, backend.names())
		require.Len(t, backend.names(), 2*len(backend.traces))
		for trace := range backend.traces {
			require.False(t, seen[trace], "trace %x is at two endpoints", trace)
			seen[trace] = true
		}
	}
	require.Len(t, seen, len(ids))
}

func TestTheShareOfAnEndpointThatFailsMoves(t *testing.T) {
	ill := func(int) reply { return reply{err: status.Error(codes.Unavailable, "ill")} }
	a, b := newBackend(t, "grpc", ill), newBackend(t, "grpc", nil)
	r := run(t, peers(export.TraceID, a, b))
	ids := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	<-r.push(request(t, "one", ids...), len(ids))
	require.Empty(t, a.names())
	require.Len(t, b.names(), len(ids), "each span once")
	require.Equal(t, uint64(1), r.Stats().Retries)
}
