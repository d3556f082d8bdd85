package logs

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	otlplogsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/triflow/triflow/services/logs/internal/drain"
)

func TestEveryKindOfBodyBecomesText(t *testing.T) {
	for _, c := range []struct{ body, text, mined string }{
		{`{"stringValue":"plain"}`, "plain", "plain"},
		{
			`{"kvlistValue":{"values":[{"key":"msg","value":{"stringValue":"disk low"}},{"key":"free","value":{"intValue":"5"}},{"key":"n","value":{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":true}}]}}}]}}`,
			`{"msg":"disk low","free":5,"n":{"k":true}}`, "disk low",
		},
		{`{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}`, `{"a":1}`, `{"a":1}`},
		{
			`{"arrayValue":{"values":[{"stringValue":"a<b"},{"intValue":"2"},{},{"boolValue":false},{"doubleValue":"NaN"},{"bytesValue":"AAE="}]}}`,
			`["a<b",2,null,false,"NaN","AAE="]`, `["a<b",2,null,false,"NaN","AAE="]`,
		},
		{`{"bytesValue":"AAECAw=="}`, "AAECAw==", drain.Wildcard},
		{`{"boolValue":true}`, "true", "true"},
		{`{"intValue":"-7"}`, "-7", "-7"},
		{`{"doubleValue":0.5}`, "0.5", "0.5"},
		{`{}`, "", "cache.miss"},
	} {
		var v commonv1.AnyValue
		require.NoError(t, protojson.Unmarshal([]byte(c.body), &v))
		text := bodyText(&v)
		require.Equal(t, c.text, text)
		require.Equal(t, c.mined, minedText(&v, text, "cache.miss"))
	}
	require.Empty(t, bodyText(nil))
	require.Equal(t, "+Inf", bodyText(&commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: math.Inf(1)}}))
}

func TestADeepBodyIsCut(t *testing.T) {
	v := &commonv1.AnyValue{}
	for range 1000 {
		v = &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{v}}}}
	}
	require.Contains(t, bodyText(v), "…")
}

func TestTheFirstBelievableTimeCounts(t *testing.T) {
	at := func(t time.Time) uint64 { return uint64(t.UnixNano()) }
	observed := received.Add(-time.Second)
	for name, c := range map[string]struct {
		own, observed uint64
		want          time.Time
		refused       uint64
	}{
		"its own":                  {at(received.Add(-time.Minute)), at(observed), received.Add(-time.Minute), 0},
		"zero, then observed":      {0, at(observed), observed, 0},
		"neither, then arrival":    {0, 0, received, 0},
		"milliseconds for nanos":   {uint64(received.UnixMilli()), at(observed), observed, uint64(received.UnixMilli())},
		"year 2200":                {7258118400000000000, at(observed), observed, 7258118400000000000},
		"negative and no observed": {math.MaxUint64, 0, received, math.MaxUint64},
		"an hour ahead":            {at(received.Add(time.Hour)), 0, received.Add(time.Hour), 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused := eventTime(&otlplogsv1.LogRecord{TimeUnixNano: c.own, ObservedTimeUnixNano: c.observed}, received)
			require.True(t, c.want.Equal(got), got)
			require.Equal(t, c.refused, refused)
		})
	}
}

func TestATimeThatIsNotBelievedIsKeptAsAnAttribute(t *testing.T) {
	e := makeEntryOf("s", &otlplogsv1.LogRecord{TimeUnixNano: 17, EventName: "cache.miss", TraceId: []byte{1}, SpanId: make([]byte, 8)}, received)
	require.Equal(t, attrGivenTime, e.Log.GetAttributes()[0].GetKey())
	require.Equal(t, "17", e.Log.GetAttributes()[0].GetValue().GetStringValue())
	require.True(t, has(e.Log.GetAttributes(), attrEventName))
	require.Empty(t, e.Log.GetTraceId(), "a trace id of one byte is none")
	require.Empty(t, e.Log.GetSpanId(), "nor is a span id of zeros")
	require.Equal(t, "cache.miss", e.mined)
}

func TestSeverityComesFromTheNumberOrElseTheText(t *testing.T) {
	for _, c := range []struct {
		number int32
		text   string
		want   int32
	}{{13, "ERROR", 13}, {0, "warning", 13}, {0, "Error", 17}, {0, "loud", 0}, {99, "error", 0}, {-1, "", 0}} {
		require.Equal(t, c.want, severity(&otlplogsv1.LogRecord{SeverityNumber: otlplogsv1.SeverityNumber(c.number), SeverityText: c.text}))
	}
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
