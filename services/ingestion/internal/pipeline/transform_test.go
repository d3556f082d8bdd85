package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

func TestATransformSetsAndDeletesAttributesOfItemsAndResources(t *testing.T) {
	type pairs = []*commonv1.KeyValue
	x := pair("x", text("1"))
	for _, c := range []struct {
		stage              string
		resource, one, two pairs
		failed             int
	}{
		{`set: {env: '"prod"'}`, cart(), pairs{x, pair("env", text("prod"))}, pairs{pair("env", text("prod"))}, 0},
		{`set: {x: 'attributes["x"] + "2"'}`, cart(), pairs{pair("x", text("12"))}, nil, 1},
		{`set: {b: 'attributes["x"]', x: '2', a: '[1, 2.0]'}, when: '"x" in attributes'`, cart(), pairs{
			pair("x", number(2)),
			pair("a", list(number(1), &commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: 2}})),
			pair("b", text("1")),
		}, nil, 0},
		{`delete: [x, y]`, cart(), nil, nil, 0},
		{`delete: [x], on: item, set: {s: 'resource["service.name"]'}`, cart(), pairs{pair("s", text("cart"))}, pairs{pair("s", text("cart"))}, 0},
		{`on: resource, set: {tenant: tenant}, delete: [service.name]`, pairs{pair("tenant", text("acme"))}, pairs{x}, nil, 0},
		{`on: resource, when: 'tenant == "x"', delete: [service.name]`, cart(), pairs{x}, nil, 0},
		{`on: resource, when: 'resource["no"] == "x"', delete: [service.name]`, cart(), pairs{x}, nil, 1},
	} {
		for _, s := range signals {
			set := load(t, stages(s, "{transform: {"+c.stage+"}}"))
			out := pass(t, set, s, encode(t, message(s, cart(), item{"one", pairs{x}}, item{Name: "two"})))
			got := decode(t, s, part(out, pipeline.Service).Payload)
			want := message(s, c.resource, item{"one", c.one}, item{"two", c.two})
			require.True(t, proto.Equal(want, got), "%s of %s: %v", c.stage, s, got)
			require.Equal(t, c.failed, out.Failed, c.stage)
		}
	}
}

func TestATransformOfAResourceIsSeenOnlyByTheItemsThatPassedIt(t *testing.T) {
	for _, s := range signals {
		set := load(t, stages(s, `{route: {when: '`+nameField(s)+` == "a"', to: [b]}}, {transform: {on: resource, delete: [service.name]}}`), "b")
		out := pass(t, set, s, encode(t, message(s, cart(), item{Name: "a"}, item{Name: "c"})))
		require.Equal(t, encode(t, message(s, cart(), item{Name: "a"})), part(out, "b").Payload)
		require.NotContains(t, string(part(out, pipeline.Service).Payload), "cart")
	}
}

func TestWhatATransformDoesNotNameStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signals).Draw(t, "signal")
		payload := encode(t, anyMessage(s).Draw(t, "request"))
		if len(itemsOf(t, s, payload)) == 0 {
			return
		}
		there := run(t, load(t, stages(s, `{transform: {set: {new: '"x"'}}}, {transform: {on: resource, set: {new: '[tenant]'}}}`)), s, payload)
		require.NotEqual(t, payload, part(there, pipeline.Service).Payload)
		back := run(t, load(t, stages(s, `{transform: {delete: [new]}}, {transform: {on: resource, delete: [new]}}`)), s, part(there, pipeline.Service).Payload)
		require.Equal(t, itemsOf(t, s, payload), itemsOf(t, s, part(back, pipeline.Service).Payload))
	})
}

func TestFaultsOfATransformAreNamed(t *testing.T) {
	_, err := pipeline.Load([]byte(stages(otlp.SignalLogs, `{transform: {on: scope, delete: [""], set: {"": "1"}}},
		{transform: {}}, {transform: {on: resource, when: 'item.body == "x"', set: {a: '1 +', b: '2'}, delete: [b]}}`)), nil)
	for _, want := range []string{
		`pipelines[0].stages[0].transform.on: "scope", want item or resource`, `stages[0].transform.delete[0]: 0 bytes`,
		`stages[0].transform.set[""]: 0 bytes, want 1 to 256`, `stages[1].transform: neither set nor delete`,
		`stages[2].transform.when: "item.body`, `stages[2].transform.set["a"]: "1 +": Syntax error`,
		`stages[2].transform.set["b"]: is deleted too`,
	} {
		require.ErrorContains(t, err, want)
	}
}
