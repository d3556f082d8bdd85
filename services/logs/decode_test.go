package logs

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	otlplogsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/settings"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
)

func TestARecordIsKeptAsItCameWithItsDoubtsBesideIt(t *testing.T) {
	r := &otlplogsv1.LogRecord{
		TimeUnixNano: 17, ObservedTimeUnixNano: 18, EventName: "cache.miss", TraceId: []byte{1}, SpanId: make([]byte, 8),
		SeverityNumber: 99, SeverityText: "error", DroppedAttributesCount: 4, Flags: 0x101,
		Attributes: []*commonv1.KeyValue{{Key: otlp.QualityKey, Value: text(otlp.QualityInvalidUTF8)}},
	}
	e := makeEntryOf("s", r, received)
	require.Equal(t, received, e.Time)
	require.EqualValues(t, 17, e.Log.GetTimeUnixNano())
	require.EqualValues(t, 18, e.Log.GetObservedTimeUnixNano())
	require.EqualValues(t, 99, e.Log.GetSeverityNumber())
	require.EqualValues(t, 17, rank(e.Log), "what its text says")
	require.Equal(t, []string{"implausible_time", "implausible_observed_time", "severity_out_of_range", "invalid_utf8"}, e.Log.GetQualityFlags())
	require.Equal(t, "cache.miss", e.Log.GetEventName())
	require.Equal(t, logsv1.Mining_MINING_EVENT_NAME, e.Log.GetMining())
	require.Len(t, e.Log.GetAttributes(), 1)
	require.EqualValues(t, 4, e.Log.GetDroppedAttributesCount())
	require.EqualValues(t, 0x101, e.Log.GetFlags())
	require.Empty(t, e.Log.GetTraceId(), "a trace id of one byte is none")
	require.Empty(t, e.Log.GetSpanId(), "nor is a span id of zeros")
}

func TestARecordWithoutTimesIsObservedWhenItArrives(t *testing.T) {
	e := makeEntryOf("s", &otlplogsv1.LogRecord{}, received)
	require.Equal(t, received, e.Time)
	require.Zero(t, e.Log.GetTimeUnixNano())
	require.EqualValues(t, received.UnixNano(), e.Log.GetObservedTimeUnixNano())
	require.Empty(t, e.Log.GetQualityFlags())
}

func TestABodyIsStoredOnceAndToldAsValueAndText(t *testing.T) {
	list := &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{text("a"), {}}}}}
	for name, c := range map[string]struct {
		body  *commonv1.AnyValue
		text  string
		value *commonv1.AnyValue
	}{
		"none":   {nil, "", nil},
		"empty":  {&commonv1.AnyValue{}, "", nil},
		"string": {text("plain"), "plain", nil},
		"list":   {list, `["a",null]`, list},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
			require.NoError(t, err)
			start(t, s)
			e := makeEntryOf("s", &otlplogsv1.LogRecord{Body: c.body}, received)
			require.True(t, e.Log.GetBody() == "" || e.Log.GetBodyValue() == nil)
			push(t, s, "a", 1, request(t, "zoo", &otlplogsv1.LogRecord{Body: c.body}))
			got := search(t, s, &logsv1.SearchLogsRequest{Contains: c.text})
			require.Len(t, got, 1)
			require.Equal(t, c.text, got[0].GetBody())
			require.True(t, proto.Equal(c.value, got[0].GetBodyValue()))
		})
	}
}

func TestSeverityComesFromTheNumberOrElseTheText(t *testing.T) {
	for _, c := range []struct {
		number       int32
		text         string
		kept, ranked int32
	}{
		{13, "ERROR", 13, 13},
		{0, "warning", 13, 13},
		{0, "Error", 17, 17},
		{0, "loud", 0, 0},
		{99, "error", 99, 17},
		{99, "", 99, 0},
		{-1, "", -1, 0},
	} {
		e := makeEntryOf("s", &otlplogsv1.LogRecord{SeverityNumber: otlplogsv1.SeverityNumber(c.number), SeverityText: c.text}, received)
		require.Equal(t, c.kept, e.Log.GetSeverityNumber())
		require.Equal(t, c.ranked, rank(e.Log))
	}
}

func TestASeverityThatOTLPHasNotIsNoErrorToASearch(t *testing.T) {
	s, err := New(settings.Defaults[Config](), deps(t.TempDir()))
	require.NoError(t, err)
	start(t, s)
	push(t, s, "a", 1, request(t, "zoo", &otlplogsv1.LogRecord{SeverityNumber: 99}, &otlplogsv1.LogRecord{SeverityNumber: 17}))
	for _, service := range []string{"", "zoo"} { // with and without the index
		got := search(t, s, &logsv1.SearchLogsRequest{Service: service, MinSeverityNumber: 9})
		require.Len(t, got, 1)
		require.EqualValues(t, 17, got[0].GetSeverityNumber())
	}
}

func text(s string) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
}

func FuzzDecodeNeverPanicsAndFilesNothingIn1970(f *testing.F) {
	f.Add(payload(f, "cart", "a", "b"))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := decode(b, received)
		if err != nil {
			require.Empty(t, entries)
		}
		for _, e := range entries {
			require.GreaterOrEqual(t, e.Time.Year(), 1999)
			require.LessOrEqual(t, len(e.Log.GetService()), maxServiceName)
		}
	})
}
