package export_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/export"
)

func TestWhatIsPushedArrivesAndIsDone(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		for _, by := range []export.Compression{"", export.Gzip, export.Zstd, export.None} {
			t.Run(fmt.Sprintf("%s %s", scheme, by), func(t *testing.T) {
				b := newBackend(t, scheme, nil)
				cfg := quick(export.RoundRobin, b)
				cfg.Compression = by
				r := run(t, cfg)
				<-r.push(request(t, "one", 1, 2), 2)
				<-r.push(request(t, "two", 3), 1)
				require.Equal(t, []string{"one", "one", "two"}, b.names())
				r.stop()
				b.wait(t, func() bool { return b.header.Get("X-Scope-OrgID") == "acme" })
				s := r.Stats()
				require.Equal(t, uint64(2), s.Endpoints[0].Sent)
				require.Zero(t, s.Endpoints[0].InFlight)
				require.Zero(t, s.Endpoints[0].Failed)
			})
		}
	}
}
