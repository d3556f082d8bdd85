package ingestion

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
)

// shown is the value of an instrument for traces, or the count of a histogram, with the given other attributes.
func shown(t *testing.T, from sdkmetric.Reader, name string, with ...string) int64 {
	want := []attribute.KeyValue{attribute.String("signal", "traces")}
	for i := 0; i < len(with); i += 2 {
		want = append(want, attribute.String(with[i], with[i+1]))
	}
	set := attribute.NewSet(want...)
	var all metricdata.ResourceMetrics
	require.NoError(t, from.Collect(t.Context(), &all))
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != "triflow.ingestion."+name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					if p.Attributes.Equals(&set) {
						return p.Value
					}
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					if p.Attributes.Equals(&set) {
						return p.Value
					}
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					if p.Attributes.Equals(&set) {
						return int64(p.Count)
					}
				}
			}
		}
	}
	return 0
}

func TestTheMetricsTellWhatTheLedgerTells(t *testing.T) {
	to := newSink()
	close(to.open)
	reader := sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test")
	r := startWith(t, small(), t.TempDir(), to, meter)
	r.served(t)
	faulty := request(t, span(1), &tracev1.Span{TraceId: []byte{1}}, &tracev1.Span{TraceId: []byte{1}})
	_, err := r.call(t, faulty)
	require.NoError(t, err)
	<-to.got
	_, err = r.call(t, []byte{0xff})
	require.Error(t, err)
	_, err = r.call(t, make([]byte, r.cfg.MaxBytes+1))
	require.Error(t, err)
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		r.post(t, method, "/v1/traces", typeJSON, "", nil)
	}
	leave := r.crowd(t)
	_, err = r.call(t, faulty)
	require.Error(t, err)
	leave()
	r.draining.Store(true)
	r.post(t, http.MethodPost, "/v1/traces", typeProtobuf, "", faulty)

	want := map[string]uint64{"trace_id": 2, "malformed": 1, "too_large": 1, "unsupported": 2, "overload": 1, "draining": 1}
	require.Eventually(t, func() bool { // gRPC answers before its error is counted
		return shown(t, reader, "request.duration", "transport", "grpc", "code", "ResourceExhausted") == 1
	}, 10*time.Second, time.Millisecond)
	l := ledger(t, r.Service)
	got := map[string]uint64{}
	for _, c := range l.GetRefused() {
		got[c.GetReason()] = c.GetItems()
		require.EqualValues(t, c.GetItems(), shown(t, reader, "refused", "reason", c.GetReason()))
	}
	require.Equal(t, want, got)
	require.EqualValues(t, 9, l.GetRequests())
	require.EqualValues(t, 9, shown(t, reader, "requests"))
	require.EqualValues(t, 3, shown(t, reader, "accepted"))
	require.EqualValues(t, l.GetWalBytes(), shown(t, reader, "wal.size"))
	require.EqualValues(t, 3, shown(t, reader, "pump.pushed"))
	require.Zero(t, shown(t, reader, "wal.damaged"))
	for _, c := range []struct {
		transport, code string
		count           int64
	}{
		{"grpc", "OK", 2},
		{"grpc", "InvalidArgument", 1},
		{"grpc", "ResourceExhausted", 1},
		{"grpc", "Unavailable", 1},
		{"http", "OK", 1},
		{"http", "Unimplemented", 2},
		{"http", "Unavailable", 1},
	} {
		require.Equal(t, c.count, shown(t, reader, "request.duration", "transport", c.transport, "code", c.code), c)
	}
}
