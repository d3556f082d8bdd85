package otlp_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// everyPoint is a request with a data point of each kind.
func everyPoint() *collectormetricsv1.ExportMetricsServiceRequest {
	sum, low := 2.5, math.Inf(-1)
	return &collectormetricsv1.ExportMetricsServiceRequest{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{
		Metrics: []*metricsv1.Metric{
			{Name: "g", Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{
				{Value: &metricsv1.NumberDataPoint_AsInt{AsInt: -5}}, {Value: &metricsv1.NumberDataPoint_AsDouble{AsDouble: 5e-324}},
			}}}},
			{Name: "h", Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{AggregationTemporality: 2, DataPoints: []*metricsv1.HistogramDataPoint{
				{
					Count: 3, Sum: &sum, Min: &low, BucketCounts: []uint64{1, 2}, ExplicitBounds: []float64{0.5},
					Exemplars: []*metricsv1.Exemplar{{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567")}},
				},
			}}}},
			{Name: "e", Data: &metricsv1.Metric_ExponentialHistogram{ExponentialHistogram: &metricsv1.ExponentialHistogram{DataPoints: []*metricsv1.ExponentialHistogramDataPoint{
				{Scale: -3, Positive: &metricsv1.ExponentialHistogramDataPoint_Buckets{Offset: -7, BucketCounts: []uint64{1, 0, 300}}},
			}}}},
			{Name: "s", Data: &metricsv1.Metric_Summary{Summary: &metricsv1.Summary{DataPoints: []*metricsv1.SummaryDataPoint{
				{QuantileValues: []*metricsv1.SummaryDataPoint_ValueAtQuantile{{Quantile: 0.5, Value: 1}}},
			}}}},
		},
	}}}}}
}

// everyValue is a request with a record that holds a value of each kind.
func everyValue() *collectorlogsv1.ExportLogsServiceRequest {
	values := []*commonv1.AnyValue{
		{Value: &commonv1.AnyValue_StringValue{StringValue: "a\"\\\n\x01é<"}},
		{Value: &commonv1.AnyValue_BoolValue{}},
		{Value: &commonv1.AnyValue_IntValue{IntValue: math.MinInt64}},
		{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: math.NaN()}},
		{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: 1e21}},
		{Value: &commonv1.AnyValue_BytesValue{BytesValue: []byte{0, 0xff}}},
		{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: []*commonv1.KeyValue{{Key: "k"}}}}},
		{},
	}
	return &collectorlogsv1.ExportLogsServiceRequest{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{{
		TimeUnixNano: math.MaxUint64, SeverityNumber: 17, Flags: 1, TraceId: []byte("0123456789abcdef"),
		Body: &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: values}}},
	}}}}}}}
}

func TestARequestIsWrittenInOTLPJSON(t *testing.T) {
	b, err := otlp.AppendJSON([]byte("> "), otlp.SignalLogs, encode(t, everyValue()))
	require.NoError(t, err)
	require.Equal(t, `> {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"18446744073709551615","severityNumber":17,"body":{"arrayValue":{"values":[`+
		`{"stringValue":"a\"\\\n\u0001é<"},{"boolValue":false},{"intValue":"-9223372036854775808"},{"doubleValue":"NaN"},{"doubleValue":1e+21},`+
		`{"bytesValue":"AP8="},{"kvlistValue":{"values":[{"key":"k"}]}},{}]}},"flags":1,"traceId":"30313233343536373839616263646566"}]}]}]}`, string(b))
}

func TestWhatIsWrittenIsWhatTheCollectorWrites(t *testing.T) {
	traces := checkout()
	traces.ResourceSpans = traces.ResourceSpans[:1]
	for signal, c := range map[otlp.Signal]struct {
		m  proto.Message
		by interface {
			UnmarshalProto([]byte) error
			MarshalJSON() ([]byte, error)
		}
	}{
		otlp.SignalTraces:  {traces, ptraceotlp.NewExportRequest()},
		otlp.SignalLogs:    {everyValue(), plogotlp.NewExportRequest()},
		otlp.SignalMetrics: {everyPoint(), pmetricotlp.NewExportRequest()},
	} {
		b := encode(t, c.m)
		require.NoError(t, c.by.UnmarshalProto(b))
		theirs, err := c.by.MarshalJSON()
		require.NoError(t, err)
		ours, err := otlp.AppendJSON(nil, signal, b)
		require.NoError(t, err)
		require.Equal(t, parsed(t, theirs), parsed(t, ours), "%s\n%s", theirs, ours)
	}
}

// parsed reads JSON, without the members that say no more than a missing one.
func parsed(t *testing.T, b []byte) any {
	var v any
	require.NoError(t, json.Unmarshal(b, &v), string(b))
	return spare(v)
}

func spare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			if v[k] = spare(member); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = spare(v[i])
		}
	case string:
		if v == "" || v == "0" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

func TestAnItemThatIsRefusedCanBeShown(t *testing.T) {
	for name, c := range map[string]struct {
		signal  otlp.Signal
		request []byte
		want    string
	}{
		"a span": {
			otlp.SignalTraces, encode(t, &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{
				{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "good"}, {TraceId: []byte{1, 2, 0xab}, Name: "GET /cart", Kind: 3},
			}}}}}}),
			`{"traceId":"0102ab","name":"GET /cart","kind":3}`,
		},
		"a span that is empty": {
			otlp.SignalTraces, encode(t, &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{{}}}}}}}), `{}`,
		},
		"a container": {
			otlp.SignalTraces, encode(t, &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{
				Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{{Key: "a", Value: nested(66)}}}, ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{{}}}},
			}}}),
			`{"resource":{"attributes":[{"key":"a","value":` + strings.Repeat(`{"arrayValue":{"values":[`, 64) + `null` + strings.Repeat(`]}}`, 64) + `}]},"scopeSpans":[{"spans":[{}]}]}`,
		},
		"a histogram point": {
			otlp.SignalMetrics, encode(t, &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{
				{Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{{Flags: 1}}}}},
				{Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{DataPoints: []*metricsv1.HistogramDataPoint{{Count: 1, BucketCounts: []uint64{7, 8}}}}}},
			}}}}}}),
			`{"count":"1","bucketCounts":["7","8"]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r otlp.Request
			require.NoError(t, r.Scan(c.signal, c.request, nil))
			at := r.Refusals()[0].Item
			got := otlp.AppendItemJSON([]byte("> "), r.MessageAt(at), r.Bytes[at.Off:at.Off+at.Len], 10_000)
			require.Equal(t, "> "+c.want, string(got))
		})
	}
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalTraces, nil, nil))
	require.Zero(t, r.MessageAt(otlp.Range{}))
	require.Equal(t, `{}`, string(otlp.AppendItemJSON(nil, otlp.Message{}, []byte("x"), 100)))
}

func TestAnItemIsCutAtARune(t *testing.T) {
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalTraces, encode(t, &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{
		Spans: []*tracev1.Span{{Name: strings.Repeat("é😀", 1000)}},
	}}}}}), nil))
	at := r.Refusals()[0].Item
	item, of := r.Bytes[at.Off:at.Off+at.Len], r.MessageAt(at)
	whole := string(otlp.AppendItemJSON(nil, of, item, 1<<20))
	require.True(t, json.Valid([]byte(whole)))
	for limit := range 100 {
		got := string(otlp.AppendItemJSON([]byte("> "), of, item, limit))
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, len(got), limit+2)
		if limit < 3 {
			require.Equal(t, "> ", got)
			continue
		}
		require.Greater(t, len(got)+utf8.UTFMax, limit+2)
		require.True(t, strings.HasPrefix("> "+whole, strings.TrimSuffix(got, "…")), got)
		require.True(t, strings.HasSuffix(got, "…"), got)
	}
	require.Equal(t, whole, string(otlp.AppendItemJSON(nil, of, item, len(whole))))
}

func TestWhatIsGivenInPartsIsWrittenAsProtobufReadsIt(t *testing.T) {
	span := func(fields string) []byte { return wrap([]byte(fields), 2, 2, 1) }
	for name, c := range map[string]struct{ fields, want string }{
		"two names":          {"\x2a\x01a\x2a\x01b", `{"name":"b"}`},
		"two statuses":       {"\x7a\x02\x18\x02\x7a\x03\x12\x01m", `{"status":{"message":"m","code":2}}`},
		"two kinds of value": {"\x4a\x09\x12\x07\x0a\x03abc\x18\x05", `{"attributes":[{"value":{"intValue":"5"}}]}`},
		"another wire type":  {"\x28\x01\x2a\x01a", `{"name":"a"}`},
		"a number beyond":    {"\x30\xff\xff\xff\xff\x0f\x50\x81\x80\x80\x80\x10", `{"kind":-1,"droppedAttributesCount":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := otlp.AppendJSON(nil, otlp.SignalTraces, span(c.fields))
			require.NoError(t, err)
			require.Equal(t, `{"resourceSpans":[{"scopeSpans":[{"spans":[`+c.want+`]}]}]}`, string(got))
		})
	}
}

func TestMapsAsDeepAsTheyMayBeAreWrittenAndReadBack(t *testing.T) {
	v := &commonv1.AnyValue{}
	for range otlp.MaxDepth - 1 {
		v = &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: []*commonv1.KeyValue{{Value: v}}}}}
	}
	want := everyValue()
	want.ResourceLogs[0].ScopeLogs[0].LogRecords[0].Body = v
	js, err := otlp.AppendJSON(nil, otlp.SignalLogs, encode(t, want))
	require.NoError(t, err)
	back, marks, err := otlp.Transcode(nil, otlp.SignalLogs, js, limit)
	require.NoError(t, err)
	require.Empty(t, marks)
	requireMessage(t, want, back)
}

func TestARequestThatCannotBeWrittenWholeSaysWhere(t *testing.T) {
	logs := func(v *commonv1.AnyValue) []byte {
		return encode(t, &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{{Body: v}}}}}}})
	}
	_, err := otlp.AppendJSON(nil, otlp.SignalLogs, logs(nested(64)))
	require.NoError(t, err)
	_, err = otlp.AppendJSON(nil, otlp.SignalLogs, logs(nested(66)))
	require.ErrorContains(t, err, "values nested deeper than 64 at byte")
	for want, b := range map[string]string{
		"resource_logs[0].scope_logs[0]: a length runs past the end of its message at byte 2": "\x0a\x03\x12\x09\x12",
		"a varint is cut off or longer than 10 bytes at byte 0":                               "\xff",
	} {
		_, err = otlp.AppendJSON(nil, otlp.SignalLogs, []byte(b))
		require.EqualError(t, err, want)
	}
	_, err = otlp.AppendJSON(nil, otlp.SignalMetrics, wrap([]byte("\x32\x03abc"), 1, 9, 2, 2, 1))
	require.ErrorContains(t, err, "bucket_counts[0]: a packed list does not end with a number at byte")
}

func FuzzARequestInJSONAndBackIsTheSame(f *testing.F) {
	f.Add(uint8(0), encode(f, checkout()))
	f.Add(uint8(1), encode(f, everyValue()))
	f.Add(uint8(2), encode(f, everyPoint()))
	f.Add(uint8(0), wrap([]byte("\x7a\x02\x18\x02\x7a\x03\x12\x01m"), 2, 2, 1))
	f.Fuzz(func(t *testing.T, signal uint8, b []byte) {
		s := otlp.Signal(signal % 3)
		want := message(s)
		decoded := proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, want)
		js, err := otlp.AppendJSON(nil, s, b)
		if err != nil {
			return
		}
		require.True(t, json.Valid(js))
		back, marks, err := otlp.Transcode(nil, s, js, 1<<30)
		require.NoError(t, err)
		if decoded != nil || len(marks) > 0 { // not UTF-8, or an id that JSON refuses
			return
		}
		got := message(s)
		require.NoError(t, proto.Unmarshal(back, got))
		require.True(t, proto.Equal(want, got), "want %v\ngot %v\n%s", want, got, js)
	})
}

func FuzzAnyItemCanBeShown(f *testing.F) {
	f.Add(uint8(0), encode(f, checkout()), 100)
	f.Add(uint8(2), encode(f, everyPoint()), 30)
	f.Add(uint8(0), []byte("\x0a\x08\x12\x02\x12\x00\x1a\x02\xffx"), 5)
	f.Fuzz(func(t *testing.T, signal uint8, b []byte, limit int) {
		limit = min(max(limit, 0), 1<<16)
		var r otlp.Request
		if r.Scan(otlp.Signal(signal%3), b, nil) != nil {
			return
		}
		for _, refusal := range r.Refusals() {
			of := r.MessageAt(refusal.Item)
			require.NotZero(t, of)
			item := b[refusal.Item.Off : refusal.Item.Off+refusal.Item.Len]
			got := otlp.AppendItemJSON(nil, of, item, limit)
			require.LessOrEqual(t, len(got), limit)
			require.True(t, utf8.Valid(got))
			for cut := range item {
				otlp.AppendItemJSON(nil, of, item[:cut], limit)
			}
		}
	})
}
