package ingestion

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const zipkinSpans = `[
	{"traceId":"5af7183fb1d4cf5f","id":"352bff9a74ca9ad2","parentId":"6b221d5bc9e6496c","kind":"SERVER","shared":true,"name":"get /cart",
	 "timestamp":1556604172355737,"duration":1431,"localEndpoint":{"serviceName":"cart","ipv4":"192.168.99.1","port":3306},"tags":{"error":"out of stock"}},
	{"traceId":"5af7183fb1d4cf5f","id":"352bff9a74ca9ad2","parentId":"6b221d5bc9e6496c","kind":"CLIENT","localEndpoint":{"serviceName":"frontend"}}
]`

func TestSpansOfZipkinComeInAsOTLP(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	body := []byte(zipkinSpans)
	for encoding, b := range map[string][]byte{"": body, "gzip": packed(t, body)} {
		resp, text := r.post(t, http.MethodPost, zipkinPath, typeJSON+"; charset=utf-8", encoding, b)
		require.Equal(t, http.StatusAccepted, resp.StatusCode, text)
		require.Empty(t, text)
		got := <-to.got
		require.Equal(t, 2, got.Items)
		var m collectorv1.ExportTraceServiceRequest
		require.NoError(t, proto.Unmarshal(got.Payload, &m))
		require.Len(t, m.GetResourceSpans(), 2)
		span := m.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0]
		require.Equal(t, "out of stock", span.GetStatus().GetMessage())
		require.EqualValues(t, 1431000, span.GetEndTimeUnixNano()-span.GetStartTimeUnixNano())
	}
	resp, text := r.post(t, http.MethodPost, zipkinPath, typeJSON, "", []byte(`[]`))
	require.Equal(t, http.StatusAccepted, resp.StatusCode, text)
	require.Zero(t, r.inFlight())
}

func TestAFaultySpanOfZipkinIsRefusedAlone(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	resp, text := r.post(t, http.MethodPost, zipkinPath, typeJSON, "", []byte(strings.Replace(zipkinSpans, "352bff9a74ca9ad2", "none", 1)))
	require.Equal(t, http.StatusAccepted, resp.StatusCode, text)
	require.Equal(t, 1, (<-to.got).Items)
	require.EqualValues(t, 1, ledger(t, r.Service).GetAccepted())
	require.Equal(t, map[string]uint64{"span_id": 1}, r.streams[0].refused)
}

func TestARequestOfZipkinThatIsRefusedGetsItsCodeAndTheNextGoodOneIsServed(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	large := `[{"traceId":"1","id":"1","name":"` + strings.Repeat("x", r.cfg.MaxBytes) + `"}]`
	grows := `[` + strings.Repeat(`{},`, r.cfg.MaxBytes/8) + `{}]`
	require.Less(t, len(grows), r.cfg.MaxBytes)
	for _, c := range []struct {
		name, method, kind, encoding, body string
		http                               int
		grpc                               codes.Code
		text                               string
	}{
		{"empty", "POST", typeJSON, "", "", 400, codes.InvalidArgument, "ends early"},
		{"cut off", "POST", typeJSON, "", zipkinSpans[:200], 400, codes.InvalidArgument, "[0]"},
		{"an object", "POST", typeJSON, "", `{"resourceSpans":[]}`, 400, codes.InvalidArgument, "an object, want an array of spans at byte 0"},
		{"deep", "POST", typeJSON, "", strings.Repeat(`[`, 9999), 400, codes.InvalidArgument, "nested deeper"},
		{"no gzip", "POST", typeJSON, "gzip", zipkinSpans, 400, codes.InvalidArgument, "gzip"},
		{"large", "POST", typeJSON, "", large, 413, codes.ResourceExhausted, "65536"},
		{"bomb", "POST", typeJSON, "gzip", string(packed(t, []byte(large))), 413, codes.ResourceExhausted, "65536"},
		{"grows", "POST", typeJSON, "", grows, 413, codes.ResourceExhausted, "as protobuf"},
		{"GET", "GET", typeJSON, "", "", 405, codes.Unimplemented, "want POST"},
		{"protobuf", "POST", typeProtobuf, "", "", 415, codes.InvalidArgument, "want application/json"},
		{"thrift", "POST", "application/x-thrift", "", "", 415, codes.InvalidArgument, "want application/json"},
		{"brotli", "POST", typeJSON, "br", "", 415, codes.InvalidArgument, "content-encoding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := r.post(t, c.method, zipkinPath, c.kind, c.encoding, []byte(c.body))
			require.Equal(t, c.http, resp.StatusCode, body)
			require.Equal(t, typeJSON, resp.Header.Get("Content-Type"))
			var st rpcstatus.Status
			require.True(t, json.Valid([]byte(body)))
			require.NoError(t, protojson.Unmarshal([]byte(body), &st))
			require.Equal(t, c.grpc, codes.Code(st.GetCode()))
			require.Contains(t, st.GetMessage(), c.text)
			r.served(t)
		})
	}
	require.Zero(t, r.inFlight())
}
