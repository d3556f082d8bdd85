package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

func pair(k, v string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: k, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: v}}}
}

func TestConditionsReadTheFieldsOfASpan(t *testing.T) {
	payload, err := proto.Marshal(&tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{pair("service.name", "cart")}},
		ScopeSpans: []*tracev1.ScopeSpans{{Scope: &commonv1.InstrumentationScope{Name: "lib"}, Spans: []*tracev1.Span{{
			Name: "GET /", Kind: tracev1.Span_SPAN_KIND_SERVER, StartTimeUnixNano: 1e9, EndTimeUnixNano: 3e9,
			Attributes: []*commonv1.KeyValue{pair("a", "x")}, Status: &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR},
		}}}},
	}}})
	require.NoError(t, err)
	var b record.Batch
	require.NoError(t, b.Parse(otlp.SignalTraces, payload))
	var r expr.Record
	r.Bind(&b, b.Items[0], "acme")
	env, err := expr.NewEnv()
	require.NoError(t, err)

	for text, want := range map[string]bool{
		`item.name == "GET /"`:                    true,
		`item.kind == "server"`:                   true,
		`item.status == "error"`:                  true,
		`item.duration > duration("1s")`:          true,
		`attributes["a"] == "x"`:                  true,
		`"b" in attributes`:                       false,
		`attributes.exists(k, k.startsWith("a"))`: true,
		`resource["service.name"] == "cart"`:      true,
		`scope.name == "lib" && tenant == "acme"`: true,
		`has(item.trace_state)`:                   false,
		`item.attributes["a"].matches("^[w-z]$")`: true,
	} {
		p, err := env.Condition(otlp.SignalTraces, expr.Items, text)
		require.NoError(t, err, text)
		got, steps, err := p.Holds(&r)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Positive(t, steps, text)
	}
	p, err := env.Condition(otlp.SignalTraces, expr.Items, `attributes["b"] == "x"`)
	require.NoError(t, err)
	holds, _, err := p.Holds(&r)
	require.ErrorContains(t, err, "no such key")
	require.False(t, holds)
}

func TestFaultsOfAnExpressionAreFoundWhenItIsCompiled(t *testing.T) {
	env, err := expr.NewEnv()
	require.NoError(t, err)
	for _, text := range []string{``, `item.nam == "x"`, `item.name == 3`, `item.name`, `item.body == "x"`, `nothing`} {
		_, err := env.Condition(otlp.SignalTraces, expr.Items, text)
		require.Error(t, err, text)
	}
	_, err = env.Condition(otlp.SignalTraces, expr.ResourcesOnly, `attributes["x"] == "y"`)
	require.Error(t, err)
}
