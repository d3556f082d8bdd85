package ingestion

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func changed(t testing.TB, f func(*tracev1.Span)) []byte {
	s := span(2)
	f(s)
	return request(t, s)
}

func TestAMalformedRequestGetsItsCodeAndTheNextGoodOneIsServed(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	good := request(t, span(1))
	js := func(s string) []byte { return []byte(s) }
	wrapped := func(s string) []byte { return js(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + s + `]}]}]}`) }
	const okIDs = `"traceId":"01010101010101010101010101010101","spanId":"0101010101010101"`
	broken := []struct {
		name string
		body []byte
		text string
	}{
		{"cut off", good[:len(good)-3], "past the end"},
		{"garbage behind", append(bytes.Clone(good), 0xff), "varint"},
		{"field number zero", []byte{2, 0}, "field number"},
		{"no wire type", []byte{0x0f}, "wire type"},
		{"open group", []byte{0x9b, 6}, "group"},
		{"text", js("hello"), "wire type"},
		{"length inside", []byte{10, 4, 18, 2, 18, 9}, "past the end"},
		{"varint too long", bytes.Repeat([]byte{0xff}, 12), "varint"},
		{"two resources", []byte{10, 4, 10, 0, 10, 0}, "given twice"},
		{"a tag alone", []byte{10}, "varint"},
	}
	refused := []struct {
		name string
		body []byte
		text string
	}{
		{"no trace id", changed(t, func(s *tracev1.Span) { s.TraceId = nil }), "trace_id: missing"},
		{"zero trace id", changed(t, func(s *tracev1.Span) { s.TraceId = make([]byte, 16) }), "trace_id: all zero"},
		{"short trace id", changed(t, func(s *tracev1.Span) { s.TraceId = s.TraceId[:7] }), "7 bytes, want 16"},
		{"zero span id", changed(t, func(s *tracev1.Span) { s.SpanId = make([]byte, 8) }), "span_id: all zero"},
		{"long span id", changed(t, func(s *tracev1.Span) { s.SpanId = make([]byte, 9) }), "9 bytes, want 8"},
		{"long parent id", changed(t, func(s *tracev1.Span) { s.ParentSpanId = make([]byte, 16) }), "16 bytes, want 8"},
	}
	for _, c := range broken {
		t.Run("gRPC "+c.name, func(t *testing.T) {
			_, err := r.call(t, c.body)
			require.Equal(t, codes.InvalidArgument, status.Code(err))
			require.ErrorContains(t, err, c.text)
			r.served(t)
		})
	}
	for _, c := range refused {
		t.Run("gRPC "+c.name, func(t *testing.T) {
			out, err := r.call(t, c.body)
			require.NoError(t, err)
			var m collectorv1.ExportTraceServiceResponse
			require.NoError(t, proto.Unmarshal(out, &m))
			require.EqualValues(t, 1, m.GetPartialSuccess().GetRejectedSpans())
			require.Contains(t, m.GetPartialSuccess().GetErrorMessage(), "resource_spans[0].scope_spans[0].spans[0]")
			require.Contains(t, m.GetPartialSuccess().GetErrorMessage(), c.text)
			r.served(t)
		})
	}
	large := request(t, &tracev1.Span{Name: strings.Repeat("x", 1<<17)})
	for name, opts := range map[string][]grpc.CallOption{"oversized": nil, "bomb": {grpc.UseCompressor(gzip.Name)}} {
		t.Run("gRPC "+name, func(t *testing.T) {
			_, err := r.call(t, large, opts...)
			require.Equal(t, codes.ResourceExhausted, status.Code(err))
			require.Empty(t, status.Convert(err).Details(), "not to be tried again")
			r.served(t)
		})
	}
	type bad struct {
		name, method, path, kind, encoding string
		body                               []byte
		code                               int
		text                               string
	}
	const P, J, T = typeProtobuf, typeJSON, "/v1/traces"
	cases := []bad{
		{"wrong path", "POST", "/v1/trace", P, "", good, 404, "/v1/trace"},
		{"root path", "POST", "/", J, "", good, 404, "/v1/traces"},
		{"GET", "GET", T, P, "", nil, 405, "want POST"},
		{"PUT", "PUT", T, J, "", good, 405, "want POST"},
		{"no type", "POST", T, "", "", good, 415, "content-type"},
		{"wrong type", "POST", T, "text/plain", "", good, 415, "text/plain"},
		{"wrong encoding", "POST", T, P, "br", good, 415, "br"},
		{"oversized", "POST", T, P, "", large, 413, "65536"},
		{"bomb", "POST", T, P, "gzip", packed(t, large), 413, "65536"},
		{"bad gzip", "POST", T, P, "gzip", good, 400, "gzip"},
		{"cut gzip", "POST", T, P, "gzip", packed(t, good)[:20], 400, "unexpected EOF"},
		{"empty gzip", "POST", T, P, "gzip", nil, 400, "gzip"},
		{"empty JSON", "POST", T, J, "", nil, 400, "ends early"},
		{"cut JSON", "POST", T, J, "", js(`{"resourceSpans":[`), 400, "ends early"},
		{"JSON array", "POST", T, J, "", js(`[]`), 400, "object"},
		{"behind JSON", "POST", T, J, "", js(`{}x`), 400, "end of the JSON"},
		{"strange JSON", "POST", T, J, "", js(`{"a":1}`), 400, "resourceSpans"},
		{"wrong JSON type", "POST", T, J, "", js(`{"resourceSpans":1}`), 400, "resourceSpans"},
		{"deep JSON", "POST", T, J, "", js(strings.Repeat(`{"a":`, 500)), 400, "nested deeper"},
		{"protobuf as JSON", "POST", T, J, "", good, 400, "at byte"},
		{"JSON as protobuf", "POST", T, P, "", js(`{}`), 400, "at byte"},
		{"JSON short id", "POST", T, J, "", wrapped(`{"traceId":"01","spanId":"0101010101010101"}`), 200, "resourceSpans[0].scopeSpans[0].spans[0].traceId"},
		{"JSON base64 id", "POST", T, J, "", wrapped(`{"traceId":"AQEBAQEBAQEBAQEBAQEBAQ==","spanId":"0101010101010101"}`), 200, "hex"},
		{"JSON bad time", "POST", T, J, "", wrapped(`{` + okIDs + `,"startTimeUnixNano":"soon"}`), 200, "startTimeUnixNano"},
	}
	for _, c := range broken {
		cases = append(cases, bad{c.name, "POST", T, P, "", c.body, 400, c.text})
	}
	for _, c := range refused {
		cases = append(cases, bad{c.name, "POST", T, P, "", c.body, 200, c.text})
	}
	for _, c := range cases {
		t.Run("HTTP "+c.name, func(t *testing.T) {
			resp, body := r.post(t, c.method, c.path, c.kind, c.encoding, c.body)
			require.Equal(t, c.code, resp.StatusCode, body)
			require.Contains(t, body, c.text)
			want := c.kind
			if want != J {
				want = P
			}
			require.Equal(t, want, resp.Header.Get("Content-Type"))
			r.served(t)
		})
	}
	resp, _ := r.post(t, http.MethodPost, T, P, "", nil)
	require.Equal(t, 200, resp.StatusCode, "an empty request is a good one")
}
