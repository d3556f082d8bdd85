package ingestion

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/triflow/triflow/pkg/otlp"
)

// drained is a running service whose batches are thrown away.
func drained(f *testing.F) *running {
	to := newSink()
	close(to.open)
	r := start(f, roomy(), f.TempDir(), to)
	ctx, cancel := context.WithCancel(f.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-to.got:
			case <-ctx.Done():
				return
			}
		}
	}()
	f.Cleanup(func() { cancel(); <-ended })
	return r
}

func FuzzHTTPAlwaysAnswersWithAKnownCode(f *testing.F) {
	good := request(f, span(1))
	f.Add("POST", "/v1/traces", typeProtobuf, "", good)
	f.Add("POST", "/v1/logs", typeProtobuf, "gzip", packed(f, good))
	f.Add("POST", "/v1/metrics", typeJSON+"; charset=utf-8", "", []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}]}}]}]}]}`))
	f.Add("POST", "/v1/traces", typeJSON, "identity", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}`))
	f.Add("POST", zipkinPath, typeJSON, "", []byte(`[{"traceId":"1","id":"1"},{"traceId":"zz","id":"1"}]`))
	f.Add("POST", zipkinPath, typeProtobuf, "", []byte(nil))
	f.Add("GET", "/", "text/plain;", "br", []byte(nil))
	r := drained(f)
	f.Fuzz(func(t *testing.T, method, path, kind, encoding string, body []byte) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		req.Method, req.URL.Path = method, path
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Content-Encoding", encoding)
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, req)
		known := []int{200, 202, 400, 404, 405, 413, 415, 503}
		require.True(t, slices.Contains(known, answer.Code), "%d, want one of %v", answer.Code, known)
		if answer.Code == http.StatusAccepted {
			require.Equal(t, zipkinPath, path)
			require.Empty(t, answer.Body.Bytes())
		} else {
			require.Contains(t, []string{typeProtobuf, typeJSON}, answer.Header().Get("Content-Type"))
		}
		require.Zero(t, r.inFlight())
	})
}

func FuzzGRPCAlwaysAnswersWithAKnownCode(f *testing.F) {
	good := request(f, span(1))
	for signal := range uint8(3) {
		f.Add(signal, "", frame(0, good))
		f.Add(signal, "gzip", frame(1, packed(f, good)))
		f.Add(signal, "gzip", frame(1, good))
		f.Add(signal, "identity", frame(2, good)[:7])
	}
	r := drained(f)
	w := newWire(f, r)
	known := []codes.Code{codes.OK, codes.InvalidArgument, codes.ResourceExhausted, codes.Unavailable, codes.Unimplemented}
	f.Fuzz(func(t *testing.T, signal uint8, encoding string, body []byte) {
		if encoding != "gzip" {
			encoding = "" // others are refused by gRPC itself
		}
		code, text := w.send(t, exports[otlp.Signal(signal%3)], encoding, body)
		if code == codes.Internal { // what gRPC itself says of a frame that is none
			require.NotContains(t, text, "internal fault", "a panic")
			return
		}
		require.Contains(t, known, code, text)
	})
}
