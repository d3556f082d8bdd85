package zipkin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/jsonscan"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/zipkin"
)

// limit is beyond what these tests need.
const limit = 1 << 30

const ids = `"traceId":"5B8EFFF798038103D269B633813FC60C","id":"eee19b7ec3c1b174"`

// list gives a list of spans by their fields.
func list(fields ...string) []byte { return []byte(`[{` + strings.Join(fields, `},{`) + `}]`) }

// transcoded gives the request that a body of good spans makes.
func transcoded(t *testing.T, body []byte) *collectorv1.ExportTraceServiceRequest {
	t.Helper()
	b, marks, err := zipkin.Transcode(nil, body, limit)
	require.NoError(t, err)
	require.Empty(t, marks)
	var r otlp.Request
	require.NoError(t, r.Scan(otlp.SignalTraces, b, nil))
	require.Empty(t, r.Refusals())
	m := new(collectorv1.ExportTraceServiceRequest)
	require.NoError(t, proto.Unmarshal(b, m))
	return m
}

func TestASpanOfZipkinBecomesOneOfOTLP(t *testing.T) {
	for name, c := range map[string]struct{ json, want string }{
		"nothing but ids": {``, `kind:SPAN_KIND_INTERNAL`},
		"name and times": {
			`,"name":"get /cart","timestamp":1472470996199000,"duration":207000`,
			`kind:SPAN_KIND_INTERNAL name:"get /cart" start_time_unix_nano:1472470996199000000 end_time_unix_nano:1472470996406000000`,
		},
		"times in quotes, and as a float": {
			`,"timestamp":"1472470996199001","duration":2.07e5`,
			`kind:SPAN_KIND_INTERNAL start_time_unix_nano:1472470996199001000 end_time_unix_nano:1472470996406001000`,
		},
		"no duration":      {`,"timestamp":1`, `kind:SPAN_KIND_INTERNAL start_time_unix_nano:1000`},
		"no start":         {`,"duration":1`, `kind:SPAN_KIND_INTERNAL`},
		"client":           {`,"kind":"CLIENT"`, `kind:SPAN_KIND_CLIENT`},
		"server":           {`,"kind":"SERVER","parentId":"1"`, `kind:SPAN_KIND_SERVER parent_span_id:"\x00\x00\x00\x00\x00\x00\x00\x01"`},
		"producer":         {`,"kind":"PRODUCER"`, `kind:SPAN_KIND_PRODUCER`},
		"consumer":         {`,"kind":"CONSUMER"`, `kind:SPAN_KIND_CONSUMER`},
		"nulls":            {`,"name":null,"kind":null,"parentId":null,"tags":null,"annotations":null,"localEndpoint":null,"shared":null`, `kind:SPAN_KIND_INTERNAL`},
		"unknown keys":     {`,"new":[{"a":1}],"localEndpoint":{"new":1}`, `kind:SPAN_KIND_INTERNAL`},
		"a zero parent id": {`,"parentId":"0000000000000000"`, `kind:SPAN_KIND_INTERNAL`},
		"debug and shared": {
			`,"debug":true,"shared":true,"kind":"SERVER"`,
			`kind:SPAN_KIND_SERVER attributes:{key:"zipkin.debug" value:{bool_value:true}} attributes:{key:"zipkin.shared" value:{bool_value:true}}`,
		},
		"neither": {`,"debug":false,"shared":false`, `kind:SPAN_KIND_INTERNAL`},
		"endpoints": {
			`,"localEndpoint":{"ipv4":"10.0.0.1","ipv6":"::1","port":80},"remoteEndpoint":{"serviceName":"db","ipv6":"2001:db8::c001","port":"5432"}`,
			`kind:SPAN_KIND_INTERNAL attributes:{key:"network.local.address" value:{string_value:"10.0.0.1"}} attributes:{key:"network.local.port" value:{int_value:80}}
			attributes:{key:"peer.service" value:{string_value:"db"}} attributes:{key:"network.peer.address" value:{string_value:"2001:db8::c001"}}
			attributes:{key:"network.peer.port" value:{int_value:5432}}`,
		},
		"annotations": {
			`,"annotations":[{"timestamp":1472470996238000,"value":"ws"},{"value":"wr"},{}]`,
			`kind:SPAN_KIND_INTERNAL events:{time_unix_nano:1472470996238000000 name:"ws"} events:{name:"wr"} events:{}`,
		},
		"tags": {
			`,"tags":{"http.path":"/api","empty":"","":"no key","n":5,"b":true,"nil":null,"\u00e9":"\n"}`,
			`kind:SPAN_KIND_INTERNAL attributes:{key:"http.path" value:{string_value:"/api"}} attributes:{key:"empty" value:{string_value:""}}
			attributes:{value:{string_value:"no key"}} attributes:{key:"n" value:{string_value:"5"}} attributes:{key:"b" value:{string_value:"true"}}
			attributes:{key:"é" value:{string_value:"\n"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want tracev1.Span
			require.NoError(t, prototext.Unmarshal([]byte(c.want), &want))
			got := transcoded(t, list(ids+c.json)).ResourceSpans[0].ScopeSpans[0].Spans[0]
			require.Equal(t, "5b8efff798038103d269b633813fc60c/eee19b7ec3c1b174", fmt.Sprintf("%x/%x", got.TraceId, got.SpanId))
			want.TraceId, want.SpanId = got.TraceId, got.SpanId
			require.True(t, proto.Equal(&want, got), "want %v\ngot %v", &want, got)
		})
	}
}

func TestTheTagsOfAnOutcomeBecomeAStatus(t *testing.T) {
	for tags, fields := range map[string]string{
		`"error":"out of stock"`:  `status:{code:STATUS_CODE_ERROR message:"out of stock"}`,
		`"error":"true"`:          `status:{code:STATUS_CODE_ERROR}`,
		`"error":""`:              `status:{code:STATUS_CODE_ERROR}`,
		`"error":true`:            `status:{code:STATUS_CODE_ERROR}`,
		`"error":"false"`:         `attributes:{key:"error" value:{string_value:"false"}}`,
		`"otel.status_code":"OK"`: `status:{code:STATUS_CODE_OK}`,
		`"otel.status_code":"Error","otel.status_description":"no"`:               `status:{code:STATUS_CODE_ERROR message:"no"}`,
		`"error":"no","otel.status_code":"ERROR","otel.status_description":"no"`:  `status:{code:STATUS_CODE_ERROR message:"no"}`,
		`"error":"why","otel.status_code":"ERROR","otel.status_description":"no"`: `status:{code:STATUS_CODE_ERROR message:"no"} attributes:{key:"error" value:{string_value:"why"}}`,
		`"error":"","otel.status_code":"OK"`:                                      `status:{code:STATUS_CODE_OK} attributes:{key:"error" value:{string_value:""}}`,
		`"otel.status_code":"UNSET","otel.status_description":"so"`:               `status:{message:"so"}`,
		`"otel.status_code":"5"`:                                                  `attributes:{key:"otel.status_code" value:{string_value:"5"}}`,
	} {
		t.Run(tags, func(t *testing.T) {
			var want tracev1.Span
			require.NoError(t, prototext.Unmarshal([]byte("kind:SPAN_KIND_INTERNAL "+fields), &want))
			got := transcoded(t, list(ids+`,"tags":{`+tags+`}`)).ResourceSpans[0].ScopeSpans[0].Spans[0]
			want.TraceId, want.SpanId = got.TraceId, got.SpanId
			require.True(t, proto.Equal(&want, got), "want %v\ngot %v", &want, got)
		})
	}
}

func TestIDsArePaddedOnTheLeft(t *testing.T) {
	for text, want := range map[string]string{
		"5af7183fb1d4cf5f":                 "\x00\x00\x00\x00\x00\x00\x00\x00\x5a\xf7\x18\x3f\xb1\xd4\xcf\x5f",
		"abC":                              "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\xbc",
		"5af7183fb1d4cf5f0000000000000001": "\x5a\xf7\x18\x3f\xb1\xd4\xcf\x5f\x00\x00\x00\x00\x00\x00\x00\x01",
	} {
		got := transcoded(t, list(`"id":"f","traceId":"`+text+`"`)).ResourceSpans[0].ScopeSpans[0].Spans[0]
		require.Equal(t, want, string(got.TraceId))
		require.Equal(t, "\x00\x00\x00\x00\x00\x00\x00\x0f", string(got.SpanId))
	}
}

func TestSpansComeTogetherByServiceAndScope(t *testing.T) {
	span := func(service, tags string) string {
		return ids + `,"name":"` + service + `","localEndpoint":{"serviceName":"` + service + `"},"tags":{` + tags + `}`
	}
	got := transcoded(t, list(
		span("cart", ``), span("db", ``), span("cart", `"otel.scope.name":"http","otel.scope.version":"1.2"`), span("cart", ``), span("", ``),
		span("cart", `"otel.library.name":"http","otel.library.version":"1.2"`),
	))
	var want collectorv1.ExportTraceServiceRequest
	require.NoError(t, prototext.Unmarshal([]byte(`
		resource_spans:{resource:{attributes:{key:"service.name" value:{string_value:"cart"}}}
			scope_spans:{spans:{name:"cart"} spans:{name:"cart"}} scope_spans:{scope:{name:"http" version:"1.2"} spans:{name:"cart"} spans:{name:"cart"}}}
		resource_spans:{resource:{attributes:{key:"service.name" value:{string_value:"db"}}} scope_spans:{spans:{name:"db"}}}
		resource_spans:{scope_spans:{spans:{}}}`), &want))
	for _, r := range got.ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				span.TraceId, span.SpanId, span.Kind = nil, nil, 0
			}
		}
	}
	require.True(t, proto.Equal(&want, got), "want %v\ngot %v", &want, got)
}

func TestASpanWithAValueThatDoesNotFitIsRefusedAlone(t *testing.T) {
	for name, c := range map[string]struct {
		json, path, text string
		fault            otlp.Fault
	}{
		"no object":         {"", "", "", 0},
		"no trace id":       {`"id":"1"`, "traceId", "missing, want an id", otlp.FaultTraceID},
		"no id":             {`"traceId":"1"`, "id", "missing, want an id", otlp.FaultSpanID},
		"long trace id":     {`"id":"1","traceId":"` + strings.Repeat("a", 33) + `"`, "traceId", `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", want 1 to 32 hex digits`, otlp.FaultTraceID},
		"zero trace id":     {`"id":"1","traceId":"00"`, "traceId", "all zero, want an id", otlp.FaultTraceID},
		"empty trace id":    {`"id":"1","traceId":""`, "traceId", `"", want 1 to 32 hex digits`, otlp.FaultTraceID},
		"id not in hex":     {`"traceId":"1","id":"xyz"`, "id", `"xyz", want 1 to 16 hex digits`, otlp.FaultSpanID},
		"long parent":       {ids + `,"parentId":"12345678901234567"`, "parentId", `"12345678901234567", want 1 to 16 hex digits`, otlp.FaultParentID},
		"number as id":      {`"id":"1","traceId":5`, "traceId", "a number, want a string", otlp.FaultValue},
		"unknown kind":      {ids + `,"kind":"LOCAL"`, "kind", `"LOCAL", want CLIENT, SERVER, PRODUCER or CONSUMER`, otlp.FaultValue},
		"name not UTF-8":    {ids + ",\"name\":\"caf\xe9\"", "name", "not UTF-8", otlp.FaultUTF8},
		"key not UTF-8":     {ids + ",\"tags\":{\"caf\xe9\":\"\"}", "tags.caf\uFFFD", "not UTF-8", otlp.FaultUTF8},
		"service not UTF-8": {ids + ",\"localEndpoint\":{\"serviceName\":\"\xff\"}", "localEndpoint.serviceName", "not UTF-8", otlp.FaultUTF8},
		"negative time":     {ids + `,"timestamp":-1`, "timestamp", `"-1", want an integer from 0 to 9223372036854775`, otlp.FaultValue},
		"late time":         {ids + `,"timestamp":9223372036854776`, "timestamp", `"9223372036854776", want an integer from 0 to 9223372036854775`, otlp.FaultValue},
		"half a duration":   {ids + `,"duration":0.5`, "duration", `"0.5", want an integer from 0 to 9223372036854775`, otlp.FaultValue},
		"large port":        {ids + `,"remoteEndpoint":{"port":65536}`, "remoteEndpoint.port", `"65536", want an integer from 0 to 65535`, otlp.FaultValue},
		"endpoint as text":  {ids + `,"localEndpoint":"cart"`, "localEndpoint", "a string, want an object", otlp.FaultValue},
		"tags as a list":    {ids + `,"tags":[]`, "tags", "an array, want an object", otlp.FaultValue},
		"an object as tag":  {ids + `,"tags":{"a":{"b":1}}`, "tags.a", "an object, want a string", otlp.FaultValue},
		"annotation":        {ids + `,"annotations":[{},5]`, "annotations[1]", "a number, want an object", otlp.FaultValue},
		"annotations":       {ids + `,"annotations":{}`, "annotations", "an object, want an array", otlp.FaultValue},
		"annotation's time": {ids + `,"annotations":[{"timestamp":[]}]`, "annotations[0].timestamp", "an array, want an integer", otlp.FaultValue},
		"debug in quotes":   {ids + `,"debug":"true"`, "debug", "a string, want true or false", otlp.FaultValue},
		"too many tags":     {ids + `,"tags":{` + strings.Repeat(`"a":"",`, otlp.MaxCount) + `"b":""}`, "tags.b", "more than 16384 tags and annotations", otlp.FaultCount},
	} {
		t.Run(name, func(t *testing.T) {
			body, want := list(`"localEndpoint":{"serviceName":"a"},`+ids, c.json, ids, `"localEndpoint":{"serviceName":"a"},`+ids), c
			path := "[1]." + c.path
			if c.fault == 0 {
				body = []byte(`[{` + ids + `},null,{` + ids + `},{` + ids + `}]`)
				path, want.text, want.fault = "[1]", "null, want an object", otlp.FaultValue
			}
			b, marks, err := zipkin.Transcode(nil, body, limit)
			require.NoError(t, err)
			var r otlp.Request
			require.NoError(t, r.Scan(otlp.SignalTraces, b, marks))
			require.Equal(t, []int{4, 1}, []int{r.Items, r.Refused})
			got := r.Refusals()
			require.Len(t, got, 1)
			require.Equal(t, []any{path, want.text, want.fault}, []any{got[0].Path, got[0].Text, got[0].Fault})
			var m collectorv1.ExportTraceServiceRequest
			require.NoError(t, proto.Unmarshal(r.Kept(), &m))
		})
	}
}

func TestABodyThatIsNoListIsRefusedAsAWhole(t *testing.T) {
	for body, want := range map[string]string{
		``:                          "the JSON ends early, want a JSON value at byte 0",
		`{}`:                        "an object, want an array of spans at byte 0",
		`[{"tags":{"a":"b"`:         "[0].tags: the JSON ends early, want '}' at byte 17",
		`[{},{"tags":{"a":nul}}]`:   "[1].tags.a: 'n', want a JSON value at byte 17",
		`[]]`:                       "']', want the end of the JSON at byte 2",
		strings.Repeat(`[`, 1e5):    "[0]: JSON nested deeper than 64 at byte 65",
		`[{"localEndpoint":{"port"`: "[0].localEndpoint: the JSON ends early, want ':' at byte 25",
	} {
		b, marks, err := zipkin.Transcode([]byte("before"), []byte(body), limit)
		require.EqualError(t, err, want)
		require.Nil(t, b)
		require.Nil(t, marks)
		var bad *jsonscan.Error
		require.ErrorAs(t, err, &bad)
	}
	b, marks, err := zipkin.Transcode([]byte("before"), []byte(` [ ] `), limit)
	require.NoError(t, err)
	require.Equal(t, "before", string(b))
	require.Empty(t, marks)
}

func TestARequestTakesAtMostTheLimit(t *testing.T) {
	body := list(ids+`,"name":"`+strings.Repeat("x", 300)+`"`, ids)
	whole, _, err := zipkin.Transcode(nil, body, limit)
	require.NoError(t, err)
	b, _, err := zipkin.Transcode(nil, body, len(whole)+256)
	require.NoError(t, err)
	require.Equal(t, whole, b)
	for most := range len(whole) {
		b, _, err := zipkin.Transcode(nil, body, most)
		require.ErrorIs(t, err, otlp.ErrTooLarge)
		require.Nil(t, b)
	}
	bad := strings.Repeat("1,", otlp.MaxMarks)
	_, marks, err := zipkin.Transcode(nil, []byte(`[`+strings.TrimSuffix(bad, ",")+`]`), limit)
	require.NoError(t, err)
	require.Len(t, marks, otlp.MaxMarks)
	_, _, err = zipkin.Transcode(nil, []byte(`[`+bad+`1]`), limit)
	require.EqualError(t, err, "request too large: more than 65536 spans are faulty")
	_, _, err = zipkin.Transcode(nil, []byte(`[`+bad+`1]`), 1<<20)
	require.EqualError(t, err, "request too large: more than 1048576 bytes as protobuf")
}

func FuzzAsManySpansComeOutAsWentIn(f *testing.F) {
	for _, body := range [][]byte{
		list(ids, ids+`,"kind":"SERVER","shared":true,"localEndpoint":{"serviceName":"a","port":1}`),
		list(ids+`,"tags":{"error":"no","otel.scope.name":"s","n":5},"annotations":[{"timestamp":1,"value":"x"}]`, ids+`,"timestamp":1,"duration":2`),
		list(`"traceId":"xyz"`, ids+`,"debug":1`), []byte(`[null,5]`), []byte(`{}`),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, marks, err := zipkin.Transcode(nil, body, 1<<20)
		if err != nil {
			return
		}
		var spans []json.RawMessage
		require.NoError(t, json.Unmarshal(body, &spans))
		var r otlp.Request
		require.NoError(t, r.Scan(otlp.SignalTraces, b, marks))
		require.Equal(t, []int{len(spans), len(marks)}, []int{r.Items, r.Refused})
		kept := 0
		var m collectorv1.ExportTraceServiceRequest
		require.NoError(t, proto.Unmarshal(r.Kept(), &m))
		for _, from := range m.ResourceSpans {
			for _, in := range from.ScopeSpans {
				kept += len(in.Spans)
			}
		}
		require.Equal(t, len(spans), kept+len(marks))
		require.NoError(t, proto.Unmarshal(b, &m), "what is faulty is left out of the bytes")
	})
}
