package otlp

import (
	"testing"

	"github.com/stretchr/testify/require"
	collectorlogsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// kinds maps what the published protocol says to what the schema says.
var kinds = map[protoreflect.Kind][]kind{
	protoreflect.MessageKind:  {kindMessage},
	protoreflect.StringKind:   {kindText},
	protoreflect.BytesKind:    {kindBytes, kindID},
	protoreflect.BoolKind:     {kindBool},
	protoreflect.EnumKind:     {kindEnum},
	protoreflect.Int32Kind:    {kindInt32},
	protoreflect.Uint32Kind:   {kindUint32},
	protoreflect.Int64Kind:    {kindInt64},
	protoreflect.Uint64Kind:   {kindUint64},
	protoreflect.Sint32Kind:   {kindSint32},
	protoreflect.Fixed32Kind:  {kindFixed32},
	protoreflect.Fixed64Kind:  {kindFixed64},
	protoreflect.Sfixed64Kind: {kindSfixed64},
	protoreflect.DoubleKind:   {kindDouble},
}

func TestTheSchemaIsThePublishedProtocol(t *testing.T) {
	seen := map[messageID]bool{}
	var compare func(id messageID, d protoreflect.MessageDescriptor)
	compare = func(id messageID, d protoreflect.MessageDescriptor) {
		if seen[id] {
			return
		}
		seen[id] = true
		known := 0
		for _, f := range schema[id].fields {
			if f.kind != kindNone {
				known++
			}
		}
		require.Equal(t, d.Fields().Len(), known, "fields of %s", d.FullName())
		for i := range d.Fields().Len() {
			want := d.Fields().Get(i)
			got := schema[id].field(uint32(want.Number()))
			require.NotNil(t, got, want.FullName())
			require.Equal(t, string(want.Name()), got.name)
			require.Equal(t, want.JSONName(), JSONPath(got.name))
			require.Equal(t, want.IsList(), got.list, want.FullName())
			require.Contains(t, kinds[want.Kind()], got.kind, want.FullName())
			switch want.Kind() {
			case protoreflect.MessageKind:
				compare(got.of, want.Message())
			case protoreflect.EnumKind:
				values := want.Enum().Values()
				require.Len(t, got.enum, values.Len(), want.FullName())
				for n := range values.Len() {
					require.Equal(t, string(values.ByNumber(protoreflect.EnumNumber(n)).Name()), got.enum[n])
				}
			}
		}
	}
	compare(tracesRequest, (*collectortracev1.ExportTraceServiceRequest)(nil).ProtoReflect().Descriptor())
	compare(logsRequest, (*collectorlogsv1.ExportLogsServiceRequest)(nil).ProtoReflect().Descriptor())
	compare(metricsRequest, (*collectormetricsv1.ExportMetricsServiceRequest)(nil).ProtoReflect().Descriptor())
	require.Len(t, seen, len(schema)-1, "every message is in use")
}

func TestOnlyContainersLeadToItems(t *testing.T) {
	for id := range schema {
		for _, f := range schema[id].fields {
			if f.kind == kindMessage && schema[f.of].role != part {
				require.Contains(t, []role{container, source}, schema[id].role, f.name)
			}
		}
	}
}
