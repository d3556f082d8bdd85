package ingestion

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracesv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestEverySignalComesInEveryWayAndIsTheSame(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	for _, c := range []struct {
		signal             handoffv1.Signal
		path, method, body string
		message            proto.Message
	}{
		{
			handoffv1.Signal_SIGNAL_TRACES, "/v1/traces", traceExport,
			`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"a"}]}]}]}`,
			&tracesv1.ExportTraceServiceRequest{},
		},
		{
			handoffv1.Signal_SIGNAL_LOGS, "/v1/logs", exports[otlp.SignalLogs],
			`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}`,
			&logsv1.ExportLogsServiceRequest{},
		},
		{
			handoffv1.Signal_SIGNAL_METRICS, "/v1/metrics", exports[otlp.SignalMetrics],
			`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asDouble":1.5}]}}]}]}]}`,
			&metricsv1.ExportMetricsServiceRequest{},
		},
	} {
		for _, encoding := range []string{"", "gzip", "zstd"} {
			body := []byte(c.body)
			if encoding != "" {
				body = packedBy(t, encoding, body)
			}
			resp, text := r.post(t, http.MethodPost, c.path, typeJSON, encoding, body)
			require.Equal(t, http.StatusOK, resp.StatusCode, text)
			require.Equal(t, "{}", text)
			b := <-to.got
			require.Equal(t, c.signal, b.Signal)
			require.Equal(t, 1, b.Items)
			require.NoError(t, proto.Unmarshal(b.Payload, c.message))

			var reply []byte
			require.NoError(t, r.conn.Invoke(t.Context(), c.method, b.Payload, &reply, grpc.ForceCodecV2(raw{})))
			require.Empty(t, reply)
			require.Equal(t, b.Payload, (<-to.got).Payload)
		}
	}
}

func TestTheLimitIsExact(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	good := request(t, span(1))
	filled := func(size int) []byte { // by a field that OTLP does not know
		b := protowire.AppendTag(bytes.Clone(good), 99, protowire.BytesType)
		return protowire.AppendString(b, strings.Repeat("x", size-len(b)-3))
	}
	most := filled(r.cfg.MaxBytes)
	require.Len(t, most, r.cfg.MaxBytes)
	_, err := r.call(t, most)
	require.NoError(t, err)
	_, err = r.call(t, filled(r.cfg.MaxBytes+1))
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	for size, code := range map[int]int{r.cfg.MaxBytes: 200, r.cfg.MaxBytes + 1: 413} {
		for encoding, pack := range map[string]func(testing.TB, []byte) []byte{"": func(_ testing.TB, b []byte) []byte { return b }, "gzip": packed} {
			resp, text := r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, encoding, pack(t, filled(size)))
			require.Equal(t, code, resp.StatusCode, text)
		}
	}
	require.EqualValues(t, 3, ledger(t, r.Service).GetRefused()[0].GetItems())
	require.Equal(t, "too_large", ledger(t, r.Service).GetRefused()[0].GetReason())
	require.Zero(t, r.inFlight())
}
