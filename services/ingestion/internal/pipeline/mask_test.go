package pipeline_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

const card = "4111111111111111"

func list(values ...*commonv1.AnyValue) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: values}}}
}

func table(pairs ...*commonv1.KeyValue) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: pairs}}}
}

func maskStage(action string) string {
	return `{mask: {keys: ["*.password", "password", "user.secret", "tok?n"], patterns: ['\b\d{16}\b', '(?i)bearer \S+'], action: ` + action + `}}`
}

func TestAMaskHidesOrRemovesWhatItsKeysAndPatternsName(t *testing.T) {
	for _, c := range []struct {
		name           string
		in, hide, drop *commonv1.KeyValue // nil is removed
	}{
		{"another", pair("x", text("y")), pair("x", text("y")), pair("x", text("y"))},
		{"key", pair("password", number(1)), pair("password", text("***")), nil},
		{"glob", pair("db.password", text("x")), pair("db.password", text("***")), nil},
		{"one letter", pair("token", text("x")), pair("token", text("***")), nil},
		{"beside the glob", pair("db.passwords", text("x")), pair("db.passwords", text("x")), pair("db.passwords", text("x"))},
		{"pattern", pair("x", text("pay "+card)), pair("x", text("***")), nil},
		{"pattern with a flag", pair("x", text("BEARER abc")), pair("x", text("***")), nil},
		{"number", pair("x", number(4111111111111111)), pair("x", text("***")), nil},
		{
			"bytes", pair("x", &commonv1.AnyValue{Value: &commonv1.AnyValue_BytesValue{BytesValue: []byte(card)}}),
			pair("x", text("***")), nil,
		},
		{"list", pair("x", list(text("a"), text(card))), pair("x", list(text("a"), text("***"))), pair("x", list(text("a")))},
		{
			"path in a map", pair("user", table(pair("secret", text("s")), pair("name", text("n")))),
			pair("user", table(pair("secret", text("***")), pair("name", text("n")))), pair("user", table(pair("name", text("n")))),
		},
		{
			"key in a map, without the path", pair("x", table(pair("token", text("s")))),
			pair("x", table(pair("token", text("***")))), pair("x", table()),
		},
		{
			"key in a map in a list", pair("x", list(table(pair("password", text("s"))))),
			pair("x", list(table(pair("password", text("***"))))), pair("x", list(table())),
		},
	} {
		for action, want := range map[string]*commonv1.KeyValue{"redact": c.hide, "drop": c.drop} {
			for _, s := range signals {
				set := load(t, stages(s, maskStage(action)))
				pairs := func(kv *commonv1.KeyValue) (all []*commonv1.KeyValue) {
					if kv != nil {
						all = append(all, kv)
					}
					return append(all, pair("z", number(1)))
				}
				in := message(s, pairs(c.in), item{"n", pairs(c.in)}, item{"m", pairs(nil)})
				out := part(pass(t, set, s, encode(t, in)), pipeline.Service)
				require.True(t, proto.Equal(message(s, pairs(want), item{"n", pairs(want)}, item{"m", pairs(nil)}), decode(t, s, out.Payload)), "%s %s %s", c.name, action, s)
			}
		}
	}
}

func TestAMaskReachesTheNestedPartsAndKeepsTheRestOfATextThatPeopleRead(t *testing.T) {
	secret := []*commonv1.KeyValue{pair("password", text("x"))}
	for _, in := range []proto.Message{
		&tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{
			Scope: &commonv1.InstrumentationScope{Attributes: secret},
			Spans: []*tracev1.Span{{
				TraceId: make([]byte, 16), Name: "pay " + card + " now", Status: &tracev1.Status{Message: "bad " + card},
				Events: []*tracev1.Span_Event{{Name: card, Attributes: secret}}, Links: []*tracev1.Span_Link{{Attributes: secret}},
			}},
		}}}}},
		&logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{
			{Body: text("pay " + card + " now")}, {Body: table(secret...)}, {Body: list(number(4111111111111111))},
		}}}}}},
		&metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{ScopeMetrics: []*metricsv1.ScopeMetrics{{Metrics: []*metricsv1.Metric{{
			Metadata: secret, Data: &metricsv1.Metric_Histogram{Histogram: &metricsv1.Histogram{DataPoints: []*metricsv1.HistogramDataPoint{{
				Exemplars: []*metricsv1.Exemplar{{FilteredAttributes: secret}},
			}}}},
		}}}}}}},
	} {
		s := map[protoreflect.Name]otlp.Signal{"TracesData": 0, "LogsData": 1, "MetricsData": 2}[in.ProtoReflect().Descriptor().Name()]
		out := part(pass(t, load(t, stages(s, maskStage("redact"))), s, encode(t, in)), pipeline.Service)
		requireMasked(t, decode(t, s, out.Payload))
		if strings.Contains(string(encode(t, in)), "now") {
			require.Contains(t, string(out.Payload), "pay *** now")
		}
	}
}

// requireMasked holds a request against the mask of maskStage.
func requireMasked(t require.TestingT, m proto.Message) {
	key := regexp.MustCompile(`^(.*\.password|password|user\.secret|tok.n)$`)
	secret := regexp.MustCompile(`\b\d{16}\b|(?i:bearer \S+)`)
	each(m.ProtoReflect(), func(m protoreflect.Message) {
		switch m := m.Interface().(type) {
		case *commonv1.KeyValue:
			if m.Value != nil && key.MatchString(m.Key) {
				require.True(t, proto.Equal(text("***"), m.Value), m.Key)
			}
		case *commonv1.AnyValue:
			require.NotRegexp(t, secret, m.GetStringValue())
			require.NotRegexp(t, secret, string(m.GetBytesValue()))
			require.NotRegexp(t, secret, fmt.Sprint(m.GetIntValue()))
		case *tracev1.Span:
			require.NotRegexp(t, secret, m.Name)
		case *tracev1.Span_Event:
			require.NotRegexp(t, secret, m.Name)
		case *tracev1.Status:
			require.NotRegexp(t, secret, m.Message)
		case *logsv1.LogRecord:
			require.NotRegexp(t, secret, m.EventName)
		}
	})
}

func TestNothingIsLeftBehindAMaskAndASecondOneFindsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signals).Draw(t, "signal")
		payload := encode(t, anyMessage(s).Draw(t, "request"))
		set := load(t, stages(s, maskStage(rapid.SampledFrom([]string{"redact", "drop"}).Draw(t, "action"))))
		once := part(run(t, set, s, payload), pipeline.Service)
		requireMasked(t, decode(t, s, once.Payload))
		require.Len(t, itemsOf(t, s, payload), once.Items)
		require.Equal(t, once, part(run(t, set, s, once.Payload), pipeline.Service))
	})
}

func TestWhatAMaskDoesNotNameIsLeftAsItIsWithItsUnknownFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signals).Draw(t, "signal")
		in := anyMessage(s).Draw(t, "request")
		payload := encode(t, in)
		out := part(run(t, load(t, stages(s, "{mask: {keys: [never], patterns: [never]}}")), s, payload), pipeline.Service)
		require.Equal(t, itemsOf(t, s, payload), itemsOf(t, s, out.Payload))
		if out.Items > 0 {
			prune(t, in.ProtoReflect())
			require.True(t, proto.Equal(in, decode(t, s, out.Payload)))
		}
	})
}

// prune removes groups without items.
func prune(t require.TestingT, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		switch fd.Name() {
		case "resource_spans", "resource_logs", "resource_metrics", "scope_spans", "scope_logs", "scope_metrics", "metrics":
			all := m.Mutable(fd).List()
			kept := 0
			for j := range all.Len() {
				group := all.Get(j).Message()
				items := 0
				each(group, func(m protoreflect.Message) {
					switch m.Interface().(type) {
					case *tracev1.Span, *logsv1.LogRecord, *metricsv1.NumberDataPoint, *metricsv1.HistogramDataPoint,
						*metricsv1.ExponentialHistogramDataPoint, *metricsv1.SummaryDataPoint:
						items++
					}
				})
				if items > 0 {
					prune(t, group)
					all.Set(kept, protoreflect.ValueOfMessage(group))
					kept++
				}
			}
			all.Truncate(kept)
		}
	}
}

func TestOverABoundWhatLeadsToAMaskIsDropped(t *testing.T) {
	s := otlp.SignalTraces
	payload := encode(t, message(s, nil, item{Name: "a"}, item{Name: "b"}, item{Name: "c"}))
	const format = "pipelines:\n- {name: p, signal: traces, limits: {%s}, stages: [{filter: {keep: 'true'}}, {route: {when: 'item.name != \"a\"', to: ['pipeline:q']}}]}\n" +
		"- {name: q, signal: traces, match: 'false', stages: [{mask: {keys: [x]}}, {filter: {keep: 'true'}}]}"
	for limit, want := range map[string][]string{"max_steps: 1": nil, "max_steps: 13": nil, "max_steps: 21": {"a"}, "max_steps: 100": {"a", "b", "c"}} {
		out := pass(t, load(t, fmt.Sprintf(format, limit)), s, payload)
		require.Equal(t, want, names(t, s, part(out, pipeline.Service).Payload), limit)
		require.Equal(t, 3-len(want), out.Dropped[pipeline.Budget]+out.Overrun, limit)
	}
}

func TestOverTheHopsWhatLeadsToAMaskIsDropped(t *testing.T) {
	s := otlp.SignalTraces
	set := load(t, fanOut(s, 1, "max_hops: 1", "'pipeline:m'")+"- {name: m, signal: traces, match: 'false', stages: [{mask: {keys: [x]}}]}")
	out := pass(t, set, s, encode(t, message(s, nil, item{Name: "a"})))
	require.Equal(t, 2, out.Dropped[pipeline.Budget])
	require.Empty(t, out.Parts)
}

func TestATextIsHiddenAsAWholeIfWhatIsLeftWouldMatch(t *testing.T) {
	s := otlp.SignalTraces
	set := load(t, stages(s, `{mask: {patterns: ['a\*+b', 'secret']}}`))
	out := pass(t, set, s, encode(t, message(s, nil, item{Name: "a secret b"}, item{Name: "asecretb"})))
	require.Equal(t, []string{"a *** b", "***"}, names(t, s, part(out, pipeline.Service).Payload))
}

func TestWhatAMaskCannotReadToItsEndDoesNotPass(t *testing.T) {
	s := otlp.SignalTraces
	in := message(s, nil, item{"a", []*commonv1.KeyValue{pair("x", text("y"))}})
	payload := encode(t, in)
	payload[len(payload)-2] = 99 // the length of the text
	out := &pipeline.Output{}
	require.NoError(t, load(t, stages(s, maskStage("redact"))).Run(pipeline.Input{Signal: s, Payload: payload, Items: 1}, out))
	require.Empty(t, out.Parts)
	require.Equal(t, 1, out.Dropped[pipeline.Budget])
}

func TestAResourceThatHasNoItemsDoesNotPassAMask(t *testing.T) {
	s := otlp.SignalTraces
	in := message(s, nil, item{Name: "a"}).(*tracev1.TracesData)
	in.ResourceSpans = append(in.ResourceSpans, &tracev1.ResourceSpans{
		Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{pair("password", text("s3cret"))}},
	})
	out := pass(t, load(t, stages(s, maskStage("redact"))), s, encode(t, in))
	require.NotContains(t, string(part(out, pipeline.Service).Payload), "s3cret")
}

func TestFaultsOfAMaskAreNamed(t *testing.T) {
	_, err := pipeline.Load([]byte(stages(otlp.SignalLogs, `{mask: {keys: [""], patterns: ["(", "x*", "[*]"], action: shred}}, {mask: {}}`)), nil)
	for _, want := range []string{
		"pipelines[0].stages[0].mask.keys[0]: 0 bytes, want 1 to 256", "pipelines[0].stages[0].mask.patterns[0]: error parsing regexp",
		"mask.patterns[1]: matches", "mask.patterns[2]: matches", `mask.action: "shred", want redact or drop`, "stages[1].mask: neither keys nor patterns",
	} {
		require.ErrorContains(t, err, want)
	}
}
