package pipeline_test

import (
	"fmt"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// signals is the constant list of all.
var signals = []otlp.Signal{otlp.SignalTraces, otlp.SignalLogs, otlp.SignalMetrics}

func text(s string) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
}

func number(n int64) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: n}}
}

func pair(k string, v *commonv1.AnyValue) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: k, Value: v}
}

// item is a span, log record or point of a test.
type item struct {
	Name       string
	Attributes []*commonv1.KeyValue
}

// message puts items under one resource and scope. Each item has an id in its start time, from 1.
func message(s otlp.Signal, of []*commonv1.KeyValue, items ...item) proto.Message {
	r := &resourcev1.Resource{Attributes: of}
	scope := &commonv1.InstrumentationScope{Name: "lib"}
	switch s {
	case otlp.SignalTraces:
		group := &tracev1.ScopeSpans{Scope: scope}
		for i, it := range items {
			group.Spans = append(group.Spans, &tracev1.Span{TraceId: make([]byte, 16), Name: it.Name, StartTimeUnixNano: uint64(i + 1), Attributes: it.Attributes})
		}
		return &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{Resource: r, ScopeSpans: []*tracev1.ScopeSpans{group}}}}
	case otlp.SignalLogs:
		group := &logsv1.ScopeLogs{Scope: scope}
		for i, it := range items {
			group.LogRecords = append(group.LogRecords, &logsv1.LogRecord{EventName: it.Name, TimeUnixNano: uint64(i + 1), Attributes: it.Attributes})
		}
		return &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{Resource: r, ScopeLogs: []*logsv1.ScopeLogs{group}}}}
	}
	group := &metricsv1.ScopeMetrics{Scope: scope}
	for i, it := range items {
		point := &metricsv1.NumberDataPoint{TimeUnixNano: uint64(i + 1), Attributes: it.Attributes}
		group.Metrics = append(group.Metrics, &metricsv1.Metric{Name: it.Name, Data: &metricsv1.Metric_Gauge{Gauge: &metricsv1.Gauge{DataPoints: []*metricsv1.NumberDataPoint{point}}}})
	}
	return &metricsv1.MetricsData{ResourceMetrics: []*metricsv1.ResourceMetrics{{Resource: r, ScopeMetrics: []*metricsv1.ScopeMetrics{group}}}}
}

// empty is a request of a signal to decode into.
func empty(s otlp.Signal) proto.Message {
	return [...]proto.Message{&tracev1.TracesData{}, &logsv1.LogsData{}, &metricsv1.MetricsData{}}[s]
}

func encode(t require.TestingT, m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	return b
}

func decode(t require.TestingT, s otlp.Signal, b []byte) proto.Message {
	m := empty(s)
	require.NoError(t, proto.Unmarshal(b, m))
	return m
}

// each calls f with every message in m, of which those without a parent are nil.
func each(m protoreflect.Message, f func(protoreflect.Message)) {
	f(m)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				each(v.List().Get(i).Message(), f)
			}
		default:
			each(v.Message(), f)
		}
		return true
	})
}

// itemsOf gives the bytes of the items in a request, in their order.
func itemsOf(t require.TestingT, s otlp.Signal, payload []byte) (items []string) {
	each(decode(t, s, payload).ProtoReflect(), func(m protoreflect.Message) {
		switch m.Interface().(type) {
		case *tracev1.Span, *logsv1.LogRecord, *metricsv1.NumberDataPoint, *metricsv1.HistogramDataPoint,
			*metricsv1.ExponentialHistogramDataPoint, *metricsv1.SummaryDataPoint:
			items = append(items, string(encode(t, m.Interface())))
		}
	})
	return items
}

// load compiles a configuration that must be right.
func load(t require.TestingT, text string, destinations ...string) *pipeline.Set {
	s, err := pipeline.Load([]byte(text), destinations)
	require.NoError(t, err)
	return s
}

// stages writes a configuration of one pipeline.
func stages(s otlp.Signal, stages string) string {
	return fmt.Sprintf("pipelines: [{name: p, signal: %s, stages: [%s]}]", s, stages)
}

// run passes a request that need not be valid in all through a set.
func run(t require.TestingT, set *pipeline.Set, s otlp.Signal, payload []byte) *pipeline.Output {
	out := &pipeline.Output{}
	n := len(itemsOf(t, s, payload))
	require.NoError(t, set.Run(pipeline.Input{Signal: s, Payload: payload, Items: n, Tenant: "acme"}, out))
	for _, p := range out.Parts {
		require.Len(t, itemsOf(t, s, p.Payload), p.Items)
	}
	return out
}

// pass passes a request through a set; what comes out must be valid.
func pass(t require.TestingT, set *pipeline.Set, s otlp.Signal, payload []byte) *pipeline.Output {
	out := run(t, set, s, payload)
	for _, p := range out.Parts {
		require.NoError(t, new(otlp.Request).Scan(s, p.Payload, nil))
	}
	return out
}

// part gives what a destination got.
func part(out *pipeline.Output, destination string) pipeline.Part {
	for _, p := range out.Parts {
		if p.Destination == destination {
			return p
		}
	}
	return pipeline.Part{}
}

// names gives the names of the items in a request.
func names(t require.TestingT, s otlp.Signal, payload []byte) (names []string) {
	each(decode(t, s, payload).ProtoReflect(), func(m protoreflect.Message) {
		switch m := m.Interface().(type) {
		case *tracev1.Span:
			names = append(names, m.Name)
		case *logsv1.LogRecord:
			names = append(names, m.EventName)
		case *metricsv1.Metric:
			names = append(names, m.Name)
		}
	})
	return names
}

// nameField is the field of item that has the name of a test's item.
func nameField(s otlp.Signal) string {
	if s == otlp.SignalLogs {
		return "item.event_name"
	}
	return "item.name"
}

// anyMessage draws a request with all kinds of messages, values and unknown fields in it.
func anyMessage(s otlp.Signal) *rapid.Generator[proto.Message] {
	return rapid.Custom(func(t *rapid.T) proto.Message {
		m := empty(s)
		fill(t, m.ProtoReflect(), 0)
		return m
	})
}

var words = []string{"", "a", "b", "password", "user.password", "x.b", "card", "4111111111111111", "pay 4111111111111111 now", "ok", "***"}

// fill sets fields of m at random.
func fill(t *rapid.T, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	if rapid.IntRange(0, 3).Draw(t, "unknown") == 0 {
		m.SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 1000, protowire.BytesType), "new"))
	}
	for i := range fields.Len() {
		fd := fields.Get(i)
		switch {
		case depth > 9 || fd.IsMap() || len(fd.Name()) > 9 && fd.Name()[len(fd.Name())-9:] == "_strindex":
		case fd.IsList() && fd.Message() != nil:
			for range rapid.IntRange(0, 2).Draw(t, "n") {
				fill(t, m.Mutable(fd).List().AppendMutable().Message(), depth+1)
			}
		case fd.IsList():
		case fd.Message() != nil:
			if rapid.Bool().Draw(t, "set") {
				fill(t, m.Mutable(fd).Message(), depth+1)
			}
		default:
			scalar(t, m, fd)
		}
	}
}

func scalar(t *rapid.T, m protoreflect.Message, fd protoreflect.FieldDescriptor) {
	if !rapid.Bool().Draw(t, "set") {
		return
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		m.Set(fd, protoreflect.ValueOfString(rapid.SampledFrom(words).Draw(t, "text")))
	case protoreflect.BytesKind:
		m.Set(fd, protoreflect.ValueOfBytes([]byte(rapid.SampledFrom(words).Draw(t, "bytes"))))
	case protoreflect.Int64Kind:
		m.Set(fd, protoreflect.ValueOfInt64(rapid.SampledFrom([]int64{0, 7, 4111111111111111}).Draw(t, "int")))
	case protoreflect.Fixed64Kind, protoreflect.Uint64Kind:
		m.Set(fd, protoreflect.ValueOf(rapid.Uint64Range(0, 9).Draw(t, "uint")))
	case protoreflect.DoubleKind:
		m.Set(fd, protoreflect.ValueOfFloat64(float64(rapid.IntRange(0, 9).Draw(t, "double"))))
	case protoreflect.BoolKind:
		m.Set(fd, protoreflect.ValueOfBool(true))
	}
}
