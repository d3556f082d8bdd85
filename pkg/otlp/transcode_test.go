package otlp_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/jsonscan"
	"github.com/triflow/triflow/pkg/otlp"
)

// limit is beyond what these tests need.
const limit = 1 << 30

const aSpan = `"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174"`

// spans puts the fields of spans into a request, in JSON.
func spans(fields ...string) string {
	return `{"resourceSpans":[{"scopeSpans":[{"spans":[{` + strings.Join(fields, `},{`) + `}]}]}]}`
}

// transcoded gives the spans that a body holds.
func transcoded(t *testing.T, body string) []*tracev1.Span {
	t.Helper()
	b, marks, err := otlp.Transcode(nil, otlp.SignalTraces, []byte(body), limit)
	require.NoError(t, err)
	require.Empty(t, marks)
	var m collectorv1.ExportTraceServiceRequest
	require.NoError(t, proto.Unmarshal(b, &m))
	return m.ResourceSpans[0].ScopeSpans[0].Spans
}

func TestAJSONRequestIsReadInEveryDialect(t *testing.T) {
	for name, c := range map[string]struct{ json, want string }{
		"numbers as numbers": {`"startTimeUnixNano":1767225600000000123,"flags":257`, `start_time_unix_nano:1767225600000000123 flags:257`},
		"numbers as strings": {
			`"startTimeUnixNano":"1767225600000000123","endTimeUnixNano":"18446744073709551615"`,
			`start_time_unix_nano:1767225600000000123 end_time_unix_nano:18446744073709551615`,
		},
		"enums as numbers": {`"kind":3,"status":{"code":2}`, `kind:SPAN_KIND_CLIENT status:{code:STATUS_CODE_ERROR}`},
		"enums by name":    {`"kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_OK"}`, `kind:SPAN_KIND_SERVER status:{code:STATUS_CODE_OK}`},
		"snake case":       {`"start_time_unix_nano":"5","dropped_events_count":1`, `start_time_unix_nano:5 dropped_events_count:1`},
		"null":             {`"name":null,"attributes":null,"status":null`, ``},
		"unknown fields":   {`"new":{"x":[1,{"y":null}]},"name":"n"`, `name:"n"`},
		"escapes":          {`"name":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800"`, `name:"a\"\\/\x08\x0c\n\r\té😀` + "\uFFFD" + `"`},
		"a bad link":       {`"links":[{"traceId":"xyz","traceState":"s"}]`, `links:{trace_state:"s"}`},
		"values": {
			`"attributes":[{"key":"a","value":{"intValue":"-9223372036854775808"}},{"key":"b","value":{"doubleValue":"NaN"}},
			{"key":"c","value":{"boolValue":false}},{"key":"d","value":{"bytesValue":"AP8="}},{"key":"e","value":{}},
			{"key":"f","value":{"arrayValue":{"values":[{"intValue":1},{}]}}},{"key":"g","value":{"kvlistValue":{"values":[{"key":"h"}]}}}]`,
			`attributes:{key:"a" value:{int_value:-9223372036854775808}} attributes:{key:"b" value:{double_value:nan}}
			attributes:{key:"c" value:{bool_value:false}} attributes:{key:"d" value:{bytes_value:"\x00\xff"}} attributes:{key:"e" value:{}}
			attributes:{key:"f" value:{array_value:{values:{int_value:1} values:{}}}} attributes:{key:"g" value:{kvlist_value:{values:{key:"h"}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := transcoded(t, spans(aSpan+","+c.json))[0]
			var want tracev1.Span
			require.NoError(t, prototext.Unmarshal([]byte(c.want), &want))
			require.Equal(t, "5b8efff798038103d269b633813fc60c", hex.EncodeToString(got.TraceId))
			require.Equal(t, "eee19b7ec3c1b174", hex.EncodeToString(got.SpanId))
			want.TraceId, want.SpanId = got.TraceId, got.SpanId
			require.True(t, proto.Equal(&want, got), "want %v\ngot %v", &want, got)
		})
	}
}

func TestAJSONValueThatDoesNotFitCostsItsItem(t *testing.T) {
	for name, c := range map[string]struct {
		json, path, text string
		fault            otlp.Fault
	}{
		"an id in base64":    {`"traceId":"S/kvNXezTaajzpKdAAAAAg==","spanId":"eee19b7ec3c1b174"`, ".trace_id", `"S/kvNXezTaajzpKdAAAAAg==", want 32 hex digits`, otlp.FaultTraceID},
		"a short id":         {`"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee1"`, ".span_id", `"eee1", want 16 hex digits`, otlp.FaultSpanID},
		"a number as id":     {`"traceId":5,"spanId":"eee19b7ec3c1b174"`, ".trace_id", `a number, want a string in hex`, otlp.FaultValue},
		"a negative time":    {aSpan + `,"endTimeUnixNano":"-1"`, ".end_time_unix_nano", `"-1", want an integer from 0 to 18446744073709551615`, otlp.FaultValue},
		"a fraction":         {aSpan + `,"kind":1.5`, ".kind", `"1.5", want an integer from -2147483648 to 2147483647`, otlp.FaultValue},
		"an unknown enum":    {aSpan + `,"kind":"SPAN_KIND_NEW"`, ".kind", `"SPAN_KIND_NEW", want the number of an enum value`, otlp.FaultValue},
		"an object as text":  {aSpan + `,"name":{}`, ".name", "an object, want a string", otlp.FaultValue},
		"a string as list":   {aSpan + `,"attributes":"x"`, ".attributes[0]", "a string, want an array", otlp.FaultValue},
		"null in a list":     {aSpan + `,"attributes":[null]`, ".attributes[0]", "null, want an object", otlp.FaultValue},
		"a huge double":      {aSpan + `,"attributes":[{"key":"a","value":{"doubleValue":1e400}}]`, ".attributes[0].value.double_value", `"1e400", want a double`, otlp.FaultValue},
		"bytes not base64":   {aSpan + `,"attributes":[{"key":"a","value":{"bytesValue":"%"}}]`, ".attributes[0].value.bytes_value", `"%", want base64`, otlp.FaultValue},
		"a bool in quotes":   {aSpan + `,"attributes":[{"key":"a","value":{"boolValue":"true"}}]`, ".attributes[0].value.bool_value", `a string, want true or false`, otlp.FaultValue},
		"values too deep":    {aSpan + `,"attributes":[{"key":"a","value":` + deep(65) + `}]`, ".attributes[0].value", "values nested deeper than 64", otlp.FaultDepth},
		"neither of its ids": {`"name":"n"`, ".trace_id", "missing, want 16 bytes", otlp.FaultTraceID},
	} {
		t.Run(name, func(t *testing.T) {
			b, marks, err := otlp.Transcode(nil, otlp.SignalTraces, []byte(spans(aSpan, c.json, aSpan)), limit)
			require.NoError(t, err)
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, b, marks))
			require.Equal(t, []int{3, 1}, []int{r.Items, r.Refused})
			require.Equal(t, []otlp.Refusal{{Fault: c.fault, Items: 1, Path: "resource_spans[0].scope_spans[0].spans[1]" + c.path, Text: c.text}}, unplaced(r.Refusals()))
			require.Len(t, transcoded(t, spans(aSpan, aSpan)), 2)
		})
	}
}

// deep gives an AnyValue in JSON with values in each other.
func deep(values int) string {
	return strings.Repeat(`{"arrayValue":{"values":[`, values-1) + `{"intValue":1}` + strings.Repeat(`]}}`, values-1)
}

func TestABodyThatIsNoRequestInJSONIsRefusedAsAWhole(t *testing.T) {
	for name, c := range map[string]struct{ json, err string }{
		"nothing":               {``, "the JSON ends early, want a JSON value at byte 0"},
		"cut off":               {`{"resourceSpans":[`, "resourceSpans[0]: the JSON ends early, want a JSON value at byte 18"},
		"a number for a list":   {`{"resourceSpans":5}`, "resourceSpans[0]: a number, want an array at byte 17"},
		"an array":              {`[]`, `an array, want an object at byte 0`},
		"behind the end":        {spans(aSpan) + "x", `'x', want the end of the JSON at byte 123`},
		"no key that is known":  {`{"invalid":1}`, `no key of an export request of traces, want "resourceSpans" at byte 13`},
		"no colon":              {`{"resourceSpans"}`, `'}', want ':' at byte 16`},
		"a trailing comma":      {`{"resourceSpans":[],}`, `'}', want a key in quotes at byte 20`},
		"a bad escape":          {`{"\x":1}`, `unknown escape 'x' in a string at byte 3`},
		"half an escape":        {`{"\u12`, "the JSON ends early, want four hex digits at byte 6"},
		"a control character":   {"{\"\n\":1}", "control character 0x0a in a string at byte 2"},
		"a leading zero":        {`{"a":01}`, `'0', want a JSON value at byte 5`},
		"a word":                {`{"a":nul}`, `'n', want a JSON value at byte 5`},
		"nesting":               {`{"a":` + strings.Repeat("[", 1e6), "JSON nested deeper than 320 at byte"},
		"nesting in an unknown": {spans(aSpan + `,"new":` + strings.Repeat(`{"a":`, 1e5)), "JSON nested deeper than 320 at byte"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := otlp.Transcode(nil, otlp.SignalTraces, []byte(c.json), limit)
			require.ErrorContains(t, err, c.err)
			var bad *jsonscan.Error
			require.ErrorAs(t, err, &bad)
		})
	}
}

func TestARequestInJSONTakesAtMostTheLimitAsProtobuf(t *testing.T) {
	for name, fields := range map[string]string{
		"texts":    aSpan + `,"name":"` + strings.Repeat("x", 300) + `"`,
		"numbers":  aSpan + `,"startTimeUnixNano":1,"flags":1`,
		"messages": aSpan + `,"attributes":[` + strings.Repeat(`{},`, 200) + `{}]`,
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(spans(fields))
			whole, _, err := otlp.Transcode(nil, otlp.SignalTraces, body, limit)
			require.NoError(t, err)
			prefix := []byte("before")
			b, _, err := otlp.Transcode(prefix, otlp.SignalTraces, body, len(whole))
			require.NoError(t, err)
			require.Equal(t, append(prefix, whole...), b)
			for most := range len(whole) {
				b, marks, err := otlp.Transcode(nil, otlp.SignalTraces, body, most)
				require.ErrorIs(t, err, otlp.ErrTooLarge)
				require.Nil(t, b)
				require.Nil(t, marks)
			}
		})
	}
}

func TestMarksCountAgainstTheLimitToo(t *testing.T) {
	bad := strings.Repeat(`{"name":1},`, otlp.MaxMarks)
	body := func(more string) []byte {
		return []byte(spans(strings.TrimPrefix(strings.TrimSuffix(bad, "},"), "{") + more))
	}
	_, marks, err := otlp.Transcode(nil, otlp.SignalTraces, body(""), limit)
	require.NoError(t, err)
	require.Len(t, marks, otlp.MaxMarks)
	_, _, err = otlp.Transcode(nil, otlp.SignalTraces, body(`},{"name":1`), limit)
	require.ErrorIs(t, err, otlp.ErrTooLarge)
	require.EqualError(t, err, "request too large: more than 65536 items are faulty")
	_, _, err = otlp.Transcode(nil, otlp.SignalTraces, body(""), len(bad))
	require.ErrorContains(t, err, "request too large: more than 720896 bytes as protobuf, at byte ")
}

func TestWhatTheCollectorWritesAsJSONIsReadBackUnchanged(t *testing.T) {
	traces := checkout()
	traces.ResourceSpans = traces.ResourceSpans[:1]
	b := encode(t, traces)
	p := ptraceotlp.NewExportRequest()
	require.NoError(t, p.UnmarshalProto(b))
	requireTranscodes(t, otlp.SignalTraces, p)

	m := pmetricotlp.NewExportRequest()
	require.NoError(t, m.UnmarshalProto(encode(t, everyPoint())))
	requireTranscodes(t, otlp.SignalMetrics, m)
}

func requireTranscodes(t *testing.T, s otlp.Signal, m interface {
	MarshalJSON() ([]byte, error)
	MarshalProto() ([]byte, error)
},
) {
	t.Helper()
	body, err := m.MarshalJSON()
	require.NoError(t, err)
	plain, err := m.MarshalProto()
	require.NoError(t, err)
	want := message(s)
	require.NoError(t, proto.Unmarshal(plain, want))
	b, marks, err := otlp.Transcode(nil, s, body, limit)
	require.NoError(t, err, string(body))
	require.Empty(t, marks)
	requireMessage(t, want, b)
}

func FuzzWhatIsTakenAsJSONIsJSON(f *testing.F) {
	for _, body := range []string{
		spans(aSpan), spans(aSpan, `"name":"caf\u00e9","kind":"SPAN_KIND_SERVER"`), `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"doubleValue":"-Infinity"}}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"asInt":"5"},{"asDouble":1e-2}]}}]}]}]}`, `{"a":[1.5e+3,-0,true,null]}`,
	} {
		for s := range uint8(3) {
			f.Add(s, body)
		}
	}
	f.Fuzz(func(t *testing.T, signal uint8, body string) {
		s := otlp.Signal(signal % 3)
		b, marks, err := otlp.Transcode(nil, s, []byte(body), limit)
		if err != nil {
			return
		}
		require.True(t, json.Valid([]byte(body)))
		var r otlp.Request
		if err := r.Scan(s, b, marks); err != nil {
			require.Regexp(t, "given twice|a second kind", err.Error())
			return
		}
		require.GreaterOrEqual(t, r.Refused, len(marks))
		require.NoError(t, proto.Unmarshal(r.Kept(), message(s)))
	})
}
