package export_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/export"
)

func TestWhatIsPushedArrivesAndIsDone(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		for _, gzip := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s gzip %v", scheme, gzip), func(t *testing.T) {
				b := newBackend(t, scheme, nil)
				cfg := quick(export.RoundRobin, b)
				cfg.Gzip = gzip
				r := run(t, cfg)
				<-r.push(request(t, "one", 1, 2), 2)
				<-r.push(request(t, "two", 3), 1)
				require.Equal(t, []string{"one", "one", "two"}, b.names())
				r.stop()
				b.wait(t, func() bool { return b.tenant == "acme" })
				s := r.Stats()
				require.Equal(t, uint64(2), s.Endpoints[0].Sent)
				require.Zero(t, s.Endpoints[0].InFlight)
				require.Zero(t, s.Endpoints[0].Failed)
			})
		}
	}
}

// early refuses a request without reading it.
func early(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.WriteHeader(http.StatusBadRequest)
	}
}

// The race detector finds a read of the payload that comes later.
func TestAPayloadIsNotReadAfterItsBatchIsDone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(early))
	defer server.Close()
	cfg := quick(export.RoundRobin)
	cfg.Endpoints = []export.Endpoint{{URL: server.URL}}
	r := run(t, cfg)
	for range 3 {
		<-r.push(make([]byte, 8<<20), 1)
	}
	r.stop()
}
