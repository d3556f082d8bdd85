package export_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/export"
)

func TestABackendThatDoesNotKnowTheCompressionGetsRequestsAsTheyAre(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		t.Run(scheme, func(t *testing.T) {
			b := &backend{scheme: scheme, plain: true, address: "127.0.0.1:0", more: make(chan struct{}), traces: make(map[string]bool)}
			b.start(t)
			t.Cleanup(b.kill)
			cfg := quick(export.RoundRobin, b)
			cfg.Compression = export.Zstd
			r := run(t, cfg)
			<-r.push(request(t, "one", 1), 1)
			<-r.push(request(t, "two", 2), 1)
			require.Equal(t, []string{"one", "two"}, b.names())
			r.stop()
			require.Empty(t, r.Stats().Dropped)
			require.Empty(t, b.header.Get("Content-Encoding"))
		})
	}
}

func TestABackendThatDoesNotKnowTheSignalIsNotAskedForEver(t *testing.T) {
	b := newBackend(t, "grpc", func(int) reply { return reply{err: status.Error(codes.Unimplemented, "no traces here")} })
	r := run(t, quick(export.RoundRobin, b))
	<-r.push(request(t, "one", 1, 2), 2)
	r.stop()
	require.Equal(t, map[string]uint64{"Unimplemented": 2}, r.Stats().Dropped)
}
