package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

func cart() []*commonv1.KeyValue {
	return []*commonv1.KeyValue{pair("service.name", text("cart"))}
}

func TestAFilterDropsOrKeepsWhatItsConditionHoldsFor(t *testing.T) {
	for _, s := range signals {
		for _, c := range []struct {
			stage string
			want  []string
		}{
			{fmt.Sprintf(`filter: {drop: '%s == "b"'}`, nameField(s)), []string{"a", "c"}},
			{fmt.Sprintf(`filter: {keep: '%s == "b"'}`, nameField(s)), []string{"b"}},
			{`filter: {keep: 'attributes["x"] == 1'}`, []string{"a"}},
			{`filter: {drop: 'attributes["x"] == 1'}`, []string{"b", "c"}},
			{`filter: {drop: 'resource["service.name"] == "cart"'}`, nil},
			{`filter: {keep: 'tenant == "acme" && scope.name == "lib"'}`, []string{"a", "b", "c"}},
		} {
			payload := encode(t, message(s, cart(), item{"a", []*commonv1.KeyValue{pair("x", number(1))}}, item{Name: "b"}, item{Name: "c"}))
			out := pass(t, load(t, stages(s, "{"+c.stage+"}")), s, payload)
			require.Equal(t, c.want, names(t, s, part(out, pipeline.Service).Payload), c.stage)
			require.Equal(t, 3-len(c.want), out.Dropped[pipeline.Filtered], c.stage)
		}
	}
}

func TestARouteLeadsItemsToEachOfItsTargets(t *testing.T) {
	for _, s := range signals {
		set := load(t, fmt.Sprintf(`
pipelines:
  - name: in
    signal: %[1]s
    match: %[2]s != "other"
    stages:
      - route: {when: '%[2]s == "a"', to: [backend, service]}
      - route: {when: '%[2]s == "b"', to: ['pipeline:last', backend]}
  - name: last
    signal: %[1]s
    match: "false"
    stages: [{filter: {drop: 'true'}}]
`, s, nameField(s)), "backend")
		out := pass(t, set, s, encode(t, message(s, cart(), item{Name: "other"}, item{Name: "a"}, item{Name: "b"}, item{Name: "c"})))
		require.Equal(t, []string{"other", "a", "c"}, names(t, s, part(out, pipeline.Service).Payload))
		require.Equal(t, []string{"a", "b"}, names(t, s, part(out, "backend").Payload))
		require.Equal(t, 1, out.Dropped[pipeline.Filtered])
	}
}

func TestWithoutAPipelineForTheSignalThePayloadGoesOnAsItIs(t *testing.T) {
	set := load(t, stages(otlp.SignalLogs, `{filter: {drop: 'true'}}`))
	in := pipeline.Input{Signal: otlp.SignalTraces, Payload: []byte("not looked into"), Items: 3}
	out := &pipeline.Output{}
	require.NoError(t, set.Run(in, out))
	require.Equal(t, []pipeline.Part{{Destination: pipeline.Service, Payload: in.Payload, Items: 3}}, out.Parts)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := set.Run(in, out); err != nil {
			t.Error(err)
		}
	}))
}

func TestAMalformedRequestGoesNowhere(t *testing.T) {
	out := &pipeline.Output{}
	require.Error(t, load(t, stages(otlp.SignalLogs, `{filter: {drop: 'true'}}`)).Run(pipeline.Input{Signal: otlp.SignalLogs, Payload: []byte{0x0a, 5}, Items: 1}, out))
	require.Empty(t, out.Parts)
}

func TestOverABoundItemsGoOnToTheService(t *testing.T) {
	s := otlp.SignalTraces
	payload := encode(t, message(s, nil, item{Name: "a"}, item{Name: "b"}, item{Name: "c"}))
	const format = "pipelines:\n- {name: p, signal: traces, limits: {%s}, stages: [{filter: {keep: 'item.name == \"a\"'}}, {route: {to: ['pipeline:q']}}]}\n" +
		"- {name: q, signal: traces, match: 'false', stages: [{route: {to: ['pipeline:r']}}]}\n" +
		"- {name: r, signal: traces, match: 'false', stages: [{filter: {drop: 'true'}}]}"
	for limit, want := range map[string][]string{
		"max_steps: 1": {"a", "b", "c"}, "max_steps: 13": {"a", "c"}, "max_hops: 1": {"a"}, "timeout: 1ms": {"a", "b", "c"}, "max_hops: 2": nil,
	} {
		set := load(t, fmt.Sprintf(format, limit))
		out := &pipeline.Output{}
		in := pipeline.Input{Signal: s, Payload: payload, Items: 3}
		if limit == "timeout: 1ms" {
			in.Elapsed = func() time.Duration { return time.Second }
		}
		require.NoError(t, set.Run(in, out))
		require.Equal(t, want, names(t, s, part(out, pipeline.Service).Payload), limit)
		require.Equal(t, len(want), out.Overrun, limit)
		require.Zero(t, out.Dropped[pipeline.Budget])
	}
}

func TestKeepAndDropPartitionTheItemsByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signals).Draw(t, "signal")
		payload := encode(t, anyMessage(s).Draw(t, "request"))
		condition := rapid.SampledFrom([]string{`attributes["a"] == "ok"`, `size(attributes) > 1`, `resource.exists(k, k == "b")`}).Draw(t, "condition")
		both := load(t, fmt.Sprintf("pipelines: [{name: p, signal: %s, stages: [{route: {when: 'has(resource.x) || true', to: [b, 'pipeline:q']}}]},"+
			"{name: q, signal: %[1]s, match: 'false', stages: [{filter: {keep: '%s'}}]}]", s, condition), "b")
		drop := load(t, stages(s, fmt.Sprintf("{filter: {drop: '%s'}}", condition)))

		kept := run(t, both, s, payload)
		all := itemsOf(t, s, payload)
		if len(all) == 0 {
			return
		}
		require.Equal(t, payload, part(kept, "b").Payload, "a pass without loss is the request itself")
		rest := itemsOf(t, s, part(run(t, drop, s, payload), pipeline.Service).Payload)
		require.ElementsMatch(t, all, append(itemsOf(t, s, part(kept, pipeline.Service).Payload), rest...))
	})
}
