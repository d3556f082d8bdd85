package otlp_test

import (
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// faults gives the fault of each item that a view at a level finds.
func faults(s otlp.Signal, b []byte, level otlp.Level) (out []otlp.Fault, err error) {
	switch s {
	case otlp.SignalTraces:
		var v otlp.Traces
		err = v.Scan(b, level)
		for _, i := range v.Spans {
			out = append(out, i.Fault)
		}
	case otlp.SignalLogs:
		var v otlp.Logs
		err = v.Scan(b, level)
		for _, i := range v.Records {
			out = append(out, i.Fault)
		}
	case otlp.SignalMetrics:
		var v otlp.Metrics
		err = v.Scan(b, level)
		for _, i := range v.Points {
			out = append(out, i.Fault)
		}
	}
	return out, err
}

// requireSameFaults holds what the views find, at each level, against what Request found.
func requireSameFaults(t require.TestingT, r *otlp.Request, scanned error) {
	if scanned != nil && strings.Contains(scanned.Error(), "more than") {
		return
	}
	all, err := faults(r.Signal, r.Bytes, otlp.LevelAll)
	if err != nil { // of a faulty item Request looks no further than its first fault, a view to its end
		require.True(t, scanned != nil || r.Refused > 0, "%v", err)
		return
	}
	require.NoError(t, scanned)
	refused, texts := 0, 0
	for _, f := range all {
		switch f {
		case 0:
		case otlp.FaultUTF8:
			texts++
		default:
			refused++
		}
	}
	require.Equal(t, []int{r.Items, r.Refused}, []int{len(all), refused})
	if r.Refused == 0 {
		require.True(t, texts == 0 || slices.ContainsFunc(r.Repairs(), func(r otlp.Repair) bool { return r.Kind == otlp.RepairUTF8 }))
	}
	fields, err := faults(r.Signal, r.Bytes, otlp.LevelFields)
	require.NoError(t, err)
	framing, err := faults(r.Signal, r.Bytes, otlp.LevelFraming)
	require.NoError(t, err)
	require.Len(t, framing, len(all))
	for i := range all {
		require.Zero(t, framing[i])
		require.True(t, fields[i] == 0 || all[i] != 0, "item %d: %v at LevelFields, no fault at LevelAll", i, fields[i])
	}
}

// requireSameViews holds the view of b, which has no fault, against what protobuf decoded from it.
func requireSameViews(t require.TestingT, m proto.Message, b []byte) {
	switch m := m.(type) {
	case *collectorv1.ExportTraceServiceRequest:
		requireSameSpans(t, m, b)
	case *collectorlogsv1.ExportLogsServiceRequest:
		requireSameRecords(t, m, b)
	case *collectormetricsv1.ExportMetricsServiceRequest:
		requireSamePoints(t, m, b)
	}
}

func requireSameRecords(t require.TestingT, m *collectorlogsv1.ExportLogsServiceRequest, b []byte) {
	var view otlp.Logs
	require.NoError(t, view.Scan(b, otlp.LevelAll))
	var w otlp.Writer
	i := 0
	for r, resource := range m.GetResourceLogs() {
		require.Equal(t, resource.GetSchemaUrl(), view.Text(view.Resources[r].Schema))
		for _, g := range resource.GetScopeLogs() {
			for _, want := range g.GetLogRecords() {
				got := &view.Records[i]
				i++
				require.Zero(t, got.Fault)
				require.Equal(t, int32(r), got.Resource)
				require.Equal(t, g.GetScope().GetName(), view.ScopeName(got.Scope))
				require.Equal(t, asID(want.GetTraceId(), 16), got.Trace[:])
				require.Equal(t, asID(want.GetSpanId(), 8), got.Span[:])
				require.Equal(t, []uint64{want.GetTimeUnixNano(), want.GetObservedTimeUnixNano()}, []uint64{got.Time, got.Observed})
				require.Equal(t, []string{want.GetSeverityText(), want.GetEventName()}, []string{view.Text(got.SeverityText), view.Text(got.EventName)})
				require.Equal(t, []uint32{want.GetFlags(), uint32(len(want.GetAttributes()))}, []uint32{got.Flags, got.Attrs})
				if n := uint32(want.GetSeverityNumber()); n <= 255 {
					require.Equal(t, n, uint32(got.Severity))
				}
				if once(view.BytesOf(got.Raw), 5) {
					require.Equal(t, want.Body != nil, view.BytesOf(got.Body) != nil)
					requireSameValue(t, want.GetBody(), view.Body(got))
				}
				w.AddRecord(&view, got)
			}
		}
	}
	require.Len(t, view.Records, i)
	requireSameItems(t, otlp.SignalLogs, w.Bytes(), b)
}

func requireSamePoints(t require.TestingT, m *collectormetricsv1.ExportMetricsServiceRequest, b []byte) {
	var view otlp.Metrics
	require.NoError(t, view.Scan(b, otlp.LevelAll))
	var w otlp.Writer
	n := 0
	for _, resource := range m.GetResourceMetrics() {
		for _, g := range resource.GetScopeMetrics() {
			for _, want := range g.GetMetrics() {
				got := &view.Metrics[n]
				n++
				require.Equal(t, []string{want.GetName(), want.GetDescription(), want.GetUnit()}, []string{view.Text(got.Name), view.Text(got.Description), view.Text(got.Unit)})
				requireSameData(t, want, &view, got)
				for i := range view.PointsOf(got) {
					w.AddPoint(&view, &view.PointsOf(got)[i])
				}
			}
		}
	}
	require.Len(t, view.Metrics, n)
	requireSameItems(t, otlp.SignalMetrics, w.Bytes(), b)
}

// requireSameItems checks that two requests have the same items in the same order, under the same groups.
func requireSameItems(t require.TestingT, s otlp.Signal, got, want []byte) {
	require.Equal(t, of(t, s, want).items, of(t, s, got).items)
}

// asID gives an id as a view does: zeros for none.
func asID(b []byte, size int) []byte {
	if len(b) != size {
		return make([]byte, size)
	}
	return b
}

// once tells that a field is in a message at most once: of a message that comes in parts a view shows the last.
func once(b []byte, num protowire.Number) bool {
	times := 0
	for len(b) > 0 {
		got, typ, n := protowire.ConsumeTag(b)
		if got == num {
			times++
		}
		b = b[n:]
		b = b[protowire.ConsumeFieldValue(got, typ, b):]
	}
	return times < 2
}

func requireSameValue(t require.TestingT, want *commonv1.AnyValue, got otlp.Value) {
	text, ok := got.Bytes()
	number, isInt := got.Int()
	truth, isBool := got.Bool()
	switch v := want.GetValue().(type) {
	case *commonv1.AnyValue_StringValue:
		require.Equal(t, otlp.ValueString, got.Kind())
		require.Equal(t, v.StringValue, string(text))
	case *commonv1.AnyValue_BytesValue:
		require.True(t, ok)
		require.Equal(t, string(v.BytesValue), string(text))
	case *commonv1.AnyValue_IntValue:
		require.True(t, isInt)
		require.Equal(t, v.IntValue, number)
	case *commonv1.AnyValue_BoolValue:
		require.Equal(t, []bool{true, v.BoolValue}, []bool{isBool, truth})
	case *commonv1.AnyValue_DoubleValue:
		f, _ := got.Float()
		requireSameFloat(t, v.DoubleValue, f)
	case *commonv1.AnyValue_ArrayValue:
		require.Equal(t, otlp.ValueArray, got.Kind())
	case *commonv1.AnyValue_KvlistValue:
		require.Equal(t, otlp.ValueMap, got.Kind())
	case nil:
		require.Equal(t, otlp.ValueEmpty, got.Kind())
	}
}
