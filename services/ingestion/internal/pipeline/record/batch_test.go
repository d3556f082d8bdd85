package record_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

func TestARequestThatIsJoinedAgainIsTheSameWithItsUnknownFields(t *testing.T) {
	span := func(name string) *tracev1.Span { return &tracev1.Span{TraceId: make([]byte, 16), Name: name} }
	in := &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{
		{SchemaUrl: "r", ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{span("a"), span("b")}, SchemaUrl: "s"}}},
		{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{span("c")}}}},
	}}
	unknown := record.AppendBytes(nil, 99, []byte("new"))
	in.ProtoReflect().SetUnknown(unknown)
	in.ResourceSpans[0].ProtoReflect().SetUnknown(unknown)
	in.ResourceSpans[0].ScopeSpans[0].Spans[1].ProtoReflect().SetUnknown(unknown)
	payload, err := proto.Marshal(in)
	require.NoError(t, err)

	var b record.Batch
	require.NoError(t, b.Parse(otlp.SignalTraces, payload))
	require.Len(t, b.Items, 3)
	out := b.Append(nil, b.Items)
	require.Equal(t, b.Size(b.Items), len(out))
	got := &tracev1.TracesData{}
	require.NoError(t, proto.Unmarshal(out, got))
	require.True(t, proto.Equal(in, got))
}

func TestASpliceCopiesOnlyWhenSomethingIsReplaced(t *testing.T) {
	message := record.AppendBytes(record.AppendBytes(nil, 1, []byte("a")), protowire.Number(2), []byte("b"))
	c := record.Over(message)
	require.True(t, c.Next())
	untouched := record.Splice{Message: message}
	same, changed := untouched.Result()
	require.False(t, changed)
	require.Equal(t, message, same)
	s := record.Splice{Message: message}
	s.Replace(&c.Field, []byte("xyz"))
	got, changed := s.Result()
	require.True(t, changed)
	require.Equal(t, record.AppendBytes(record.AppendBytes(nil, 1, []byte("xyz")), 2, []byte("b")), got)
}
