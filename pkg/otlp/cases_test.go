package otlp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
)

// records and metrics put the fields of log records, and metrics, into a request, in JSON.
func records(fields ...string) string {
	return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{` + strings.Join(fields, `},{`) + `}]}]}]}`
}

func metrics(fields ...string) string {
	return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{` + strings.Join(fields, `},{`) + `}]}]}]}`
}

// What others reported as bugs of theirs: a request, how many items are refused, the words the sender must find in the
// message, in lower case, and what must be kept, written in the plain form.
func TestWhatWentWrongElsewhereGoesRightHere(t *testing.T) {
	for name, c := range map[string]struct {
		signal         otlp.Signal
		body, kept     string
		items, refused int
		words          []string
	}{
		"digits are lost in a float": {
			body: spans(`"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","endTimeUnixNano":1767225600000000123,` +
				`"attributes":[{"key":"i","value":{"intValue":-9223372036854775808}},{"key":"d","value":{"doubleValue":"2.5"}}]`),
			kept: spans(`"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","endTimeUnixNano":"1767225600000000123",` +
				`"attributes":[{"key":"i","value":{"intValue":"-9223372036854775808"}},{"key":"d","value":{"doubleValue":2.5}}]`),
			items: 1,
		},
		"ids in base64 take the neighbours along": {
			body:  spans(aSpan, `"traceId":"S/kvNXezTaajzpKdAAAAAg==","spanId":"APBnqgAAAAI="`, aSpan+`,"kind":"SPAN_KIND_CLIENT"`),
			kept:  spans(aSpan, aSpan+`,"kind":3`),
			items: 3, refused: 1, words: []string{"traceid", "hex", "spans[1]"},
		},
		"zeros are taken for ids": {
			body: spans(
				aSpan+`,"parentSpanId":"0000000000000000","links":[{"traceId":"00000000000000000000000000000000","spanId":"eee19b7ec3c1b174"},{`+aSpan+`}]`,
				`"traceId":"00000000000000000000000000000000","spanId":"eee19b7ec3c1b174"`,
				`"traceId":"5b8efff798038103d269b633813fc60c","spanId":""`,
			),
			kept:  spans(aSpan + `,"links":[{` + aSpan + `}]`),
			items: 3, refused: 2, words: []string{"traceid", "spanid", "zero", "warning", "links[0]", "parentspanid"},
		},
		"a span that ends before it starts is dropped": {
			body:  spans(aSpan+`,"startTimeUnixNano":"9","endTimeUnixNano":"8"`, aSpan+`,"startTimeUnixNano":"9","endTimeUnixNano":"0"`, aSpan),
			kept:  spans(aSpan+`,"startTimeUnixNano":9,"endTimeUnixNano":8`, aSpan+`,"startTimeUnixNano":9,"endTimeUnixNano":0`, aSpan),
			items: 3,
		},
		"a byte of Latin-1 costs the request": {
			body:  spans(aSpan, aSpan+",\"attributes\":[{\"key\":\"agent\",\"value\":{\"stringValue\":\"na\xefve\"}}]"),
			kept:  spans(aSpan, aSpan+`,"attributes":[{"key":"agent","value":{"stringValue":"na`+"\uFFFD"+`ve"}},{"key":"triflow.quality","value":{"stringValue":"invalid_utf8"}}]`),
			items: 2, words: []string{"warning", "utf-8", "spans[1].attributes[0].value.stringvalue"},
		},
		"a field of a newer protocol is an error": {
			body:  spans(aSpan + `,"later":[{"a":null}],"attributes":[{"key":"k","value":{"decimalValue":"1.0"}}]`),
			kept:  spans(aSpan + `,"attributes":[{"key":"k","value":{}}]`),
			items: 1,
		},
		"snake case is an empty request": {
			body:  strings.NewReplacer("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "traceId", "trace_id", "spanId", "span_id").Replace(spans(aSpan)),
			kept:  spans(aSpan),
			items: 1,
		},
		"numbers without end and histograms that do not add up": {
			signal: otlp.SignalMetrics,
			body: metrics(`"name":"queue","gauge":{"dataPoints":[{"asDouble":"NaN"},{"asDouble":"-Infinity"},{"flags":1}]}`,
				`"name":"wait","histogram":{"dataPoints":[{"count":2,"bucketCounts":[1,1],"explicitBounds":[1]},{"count":2,"bucketCounts":[2],"explicitBounds":[1]}]}`),
			kept: metrics(`"name":"queue","gauge":{"dataPoints":[{"asDouble":"NaN"},{"asDouble":"-Infinity"},{"flags":1}]}`,
				`"name":"wait","histogram":{"dataPoints":[{"count":2,"bucketCounts":[1,1],"explicitBounds":[1]}]}`),
			items: 5, refused: 1, words: []string{`resourcemetrics[0].scopemetrics[0].metrics[1].histogram.datapoints[1].bucketcounts: metric "wait": 1 bucket counts, want 2 for 1 bounds`},
		},
		"exponential histograms that do not add up": {
			signal: otlp.SignalMetrics,
			body: metrics(
				`"name":"none","exponentialHistogram":{"dataPoints":[{"count":0,"zeroCount":0}]}`,
				`"name":"zero","exponentialHistogram":{"dataPoints":[{"count":3,"zeroCount":3}]}`,
				`"name":"both","exponentialHistogram":{"dataPoints":[{"count":"6","zeroCount":1,"positive":{"bucketCounts":["2",0]},"negative":{"bucketCounts":[3]}}]}`,
				`"name":"wrong","exponentialHistogram":{"dataPoints":[{"count":4,"positive":{"bucketCounts":[1]}}]}`),
			kept: metrics(
				`"name":"none","exponentialHistogram":{"dataPoints":[{"count":0,"zeroCount":0}]}`,
				`"name":"zero","exponentialHistogram":{"dataPoints":[{"count":3,"zeroCount":3}]}`,
				`"name":"both","exponentialHistogram":{"dataPoints":[{"count":"6","zeroCount":1,"positive":{"bucketCounts":["2",0]},"negative":{"bucketCounts":[3]}}]}`,
				`"name":"wrong","exponentialHistogram":{"dataPoints":[]}`),
			items: 4, refused: 1, words: []string{`metrics[3].exponentialhistogram.datapoints[0].count: metric "wrong": count is 4, want 1, the sum of its bucket counts`},
		},
		"a body of a rare kind costs its neighbours": {
			signal: otlp.SignalLogs,
			body: records(`"body":{"kvlistValue":{"values":[{"key":"a"}]}}`, `"body":{"arrayValue":{"values":[{}]}}`, `"body":{"bytesValue":"/w=="}`,
				`"body":{}`, `"body":{"intValue":null}`, `"eventName":"e"`, `"severityNumber":99`,
				`"body":{"boolValue":true}`, `"body":{"intValue":"-7"}`, `"body":{"doubleValue":0.5}`, `"body":{"stringValue":"plain"},"severityText":"warning"`,
				`"body":{"stringValue":""},"attributes":[{"key":"list","value":{"arrayValue":{}}},{"key":"nothing"},{"key":"k"},{"key":"k"}],"droppedAttributesCount":4`),
			kept: records(`"body":{"kvlistValue":{"values":[{"key":"a"}]}}`, `"body":{"arrayValue":{"values":[{}]}}`, `"body":{"bytesValue":"_w"}`,
				`"body":{}`, `"body":{}`, `"eventName":"e"`, `"severityNumber":99`,
				`"body":{"boolValue":true}`, `"body":{"intValue":-7}`, `"body":{"doubleValue":"0.5"}`, `"body":{"stringValue":"plain"},"severityText":"warning"`,
				`"body":{"stringValue":""},"attributes":[{"key":"list","value":{"arrayValue":{}}},{"key":"nothing"},{"key":"k"},{"key":"k"}],"droppedAttributesCount":4`),
			items: 12,
		},
		"a negative time": {
			signal: otlp.SignalLogs,
			body:   records(`"timeUnixNano":"0","observedTimeUnixNano":"5"`, `"timeUnixNano":"-1"`, `"timeUnixNano":-7`, `"timeUnixNano":"7258118400000000000"`, ``),
			kept:   records(`"timeUnixNano":"0","observedTimeUnixNano":"5"`, `"timeUnixNano":"7258118400000000000"`, ``),
			items:  5, refused: 2, words: []string{`resourcelogs[0].scopelogs[0].logrecords[1].timeunixnano: "-1", want an integer from 0 to 18446744073709551615; and 1 more`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, marks, err := otlp.Transcode(nil, c.signal, []byte(c.body), limit)
			require.NoError(t, err)
			var r otlp.Request
			require.NoError(t, r.Scan(c.signal, b, marks))
			require.Equal(t, []int{c.items, c.refused}, []int{r.Items, r.Refused})
			said := strings.ToLower(r.Message(true))
			for _, word := range c.words {
				require.Contains(t, said, word)
			}
			require.Equal(t, len(c.words) == 0, said == "", said)

			plain, marks, err := otlp.Transcode(nil, c.signal, []byte(c.kept), limit)
			require.NoError(t, err)
			require.Empty(t, marks)
			want := message(c.signal)
			require.NoError(t, proto.Unmarshal(plain, want))
			requireMessage(t, want, r.Kept())
		})
	}
}
