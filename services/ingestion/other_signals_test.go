package ingestion

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	logscollectorv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricscollectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

func logRequest(change func(*logsv1.LogRecord)) proto.Message {
	l := &logsv1.LogRecord{Body: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: "GET /cart"}}}
	change(l)
	return &logscollectorv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{l}}}}}}
}

func pointRequest(p *metricsv1.HistogramDataPoint) proto.Message {
	m := &metricsv1.Metric{Name: "latency", Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{DataPoints: []*metricsv1.HistogramDataPoint{p}}}}
	return &metricscollectorv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{m}}}}}}
}

func deep(levels int) *commonv1.AnyValue {
	v := &commonv1.AnyValue{}
	for range levels {
		v = &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{v}}}}
	}
	return v
}

func TestAFaultyLogRecordOrPointIsRefusedAloneInEveryWay(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	w := newWire(t, r)
	for _, c := range []struct {
		name        string
		signal      otlp.Signal
		m           proto.Message
		word, field string
	}{
		{"short trace id", otlp.SignalLogs, logRequest(func(l *logsv1.LogRecord) { l.TraceId = []byte{1, 2, 3, 4, 5, 6, 7} }), "trace_id", "resource_logs[0].scope_logs[0].log_records[0].trace_id"},
		{"long span id", otlp.SignalLogs, logRequest(func(l *logsv1.LogRecord) { l.SpanId = make([]byte, 9) }), "span_id", "resource_logs[0].scope_logs[0].log_records[0].span_id"},
		{"deep body", otlp.SignalLogs, logRequest(func(l *logsv1.LogRecord) { l.Body = deep(70) }), "depth", "resource_logs[0].scope_logs[0].log_records[0]"},
		{"too few buckets", otlp.SignalMetrics, pointRequest(&metricsv1.HistogramDataPoint{ExplicitBounds: []float64{1, 2}, BucketCounts: []uint64{1}}), "buckets", "resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]"},
		{"deep attribute", otlp.SignalMetrics, pointRequest(&metricsv1.HistogramDataPoint{Attributes: []*commonv1.KeyValue{{Key: "a", Value: deep(70)}}}), "depth", "resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := proto.Marshal(c.m)
			require.NoError(t, err)
			code, text := w.send(t, exports[c.signal], "", frame(0, b))
			require.Equal(t, codes.OK, code, text)
			resp, text := r.post(t, http.MethodPost, "/v1/"+c.signal.String(), typeProtobuf, "gzip", packed(t, b))
			require.Equal(t, http.StatusOK, resp.StatusCode, text)
			require.Contains(t, text, c.field)
			require.EqualValues(t, 2, r.streams[c.signal].refused[c.word])
			clear(r.streams[c.signal].refused)
			require.Zero(t, r.streams[c.signal].log.Stats().Records, "nothing is left to keep")
		})
	}
}

func TestAMalformedRequestOfAnySignalGetsItsCodeInEveryWay(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	w := newWire(t, r)
	for signal, m := range map[otlp.Signal]proto.Message{
		otlp.SignalTraces: nil, otlp.SignalLogs: logRequest(func(*logsv1.LogRecord) {}), otlp.SignalMetrics: pointRequest(&metricsv1.HistogramDataPoint{Count: 1}),
	} {
		good, js := request(t, span(1)), []byte(`{"resourceSpans":[]}`)
		if m != nil {
			var err error
			good, err = proto.Marshal(m)
			require.NoError(t, err)
			js, err = protojson.Marshal(m)
			require.NoError(t, err)
		}
		large := make([]byte, r.cfg.MaxBytes+1)
		for _, c := range []struct {
			name, kind string
			body       []byte
			grpc       codes.Code
			http       int
		}{
			{"good", typeProtobuf, good, codes.OK, 200},
			{"cut off", typeProtobuf, good[:len(good)-1], codes.InvalidArgument, 400},
			{"garbage behind", typeProtobuf, append(bytes.Clone(good), 0xff), codes.InvalidArgument, 400},
			{"length inside", typeProtobuf, []byte{10, 4, 18, 2, 18, 9}, codes.InvalidArgument, 400},
			{"text", typeProtobuf, []byte("hello"), codes.InvalidArgument, 400},
			{"large", typeProtobuf, large, codes.ResourceExhausted, 413},
			{"JSON cut off", typeJSON, js[:len(js)-1], codes.InvalidArgument, 400},
			{"JSON array", typeJSON, []byte(`[]`), codes.InvalidArgument, 400},
			{"large JSON", typeJSON, large, codes.ResourceExhausted, 413},
		} {
			t.Run(signal.String()+" "+c.name, func(t *testing.T) {
				if c.kind == typeProtobuf {
					code, text := w.send(t, exports[signal], "", frame(0, c.body))
					require.Equal(t, c.grpc, code, text)
				}
				for encoding, body := range map[string][]byte{"": c.body, "gzip": packed(t, c.body)} {
					resp, text := r.post(t, http.MethodPost, "/v1/"+signal.String(), c.kind, encoding, body)
					require.Equal(t, c.http, resp.StatusCode, text)
				}
			})
		}
	}
	require.Zero(t, r.inFlight())
}

func TestJSONThatGrowsAsProtobufIsHeldToTheLimitToo(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	for numbers, code := range map[int]int{r.cfg.MaxBytes / 20: 200, r.cfg.MaxBytes / 8: 413} {
		list := strings.Repeat("0,", numbers)
		js := `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":[` + list + `0],"explicitBounds":[` + strings.TrimSuffix(list, ",") + `]}]}}]}]}]}`
		require.Less(t, len(js), r.cfg.MaxBytes)
		resp, text := r.post(t, http.MethodPost, "/v1/metrics", typeJSON, "", []byte(js))
		require.Equal(t, code, resp.StatusCode, text)
	}
	require.Zero(t, r.inFlight())
}

func TestABodyInChunksIsReadToItsEndAndHeldToTheLimit(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	send := func(b []byte) int {
		// A reader whose length net/http cannot tell is sent in chunks.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/traces", struct{ *strings.Reader }{strings.NewReader(string(b))})
		require.NoError(t, err)
		require.Zero(t, req.ContentLength)
		req.Header.Set("Content-Type", typeProtobuf)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, http.StatusOK, send(request(t, span(1), span(2))))
	require.Equal(t, 2, (<-to.got).Items)
	require.Equal(t, http.StatusBadRequest, send(request(t, span(1))[1:]))
	require.Equal(t, http.StatusRequestEntityTooLarge, send(make([]byte, r.cfg.MaxBytes+1)))
	require.Equal(t, http.StatusOK, send(nil))
	require.Zero(t, r.inFlight())
}
