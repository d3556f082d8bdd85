package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

func TestEveryFaultOfAConfigurationIsNamedWithItsPath(t *testing.T) {
	_, err := pipeline.Load([]byte(`
pipelines:
  - name: Bad Name
    signal: trace
    stages: [{filter: {drop: 'item.name == "x"', keep: 'true'}}]
  - name: a
    signal: logs
    match: item.nam == "x"
    stages:
      - route: {to: [nowhere, 'pipeline:none', 'pipeline:m', service, service]}
      - filter: {drop: 'item.body'}
      - {}
    limits: {max_hops: 0, max_steps: -1, timeout: 1h}
  - {name: a, signal: metrics}
  - {name: m, signal: metrics, stages: [{filter: {keep: 'item.value > 1.0'}}]}
`), []string{"backend"})
	for _, want := range []string{
		`pipelines[0].signal: "trace", want traces, logs or metrics`,
		`pipelines[0].name: "Bad Name", want 1 to 64 of a-z, 0-9 and -`,
		`pipelines[0].stages[0].filter: keep and drop, or neither, want one of them`,
		`pipelines[1].match: "item.nam == \"x\"": undefined field 'nam'`,
		`pipelines[1].stages[0].route.to[0]: "nowhere", want pipeline:name or one of service, backend`,
		`pipelines[1].stages[0].route.to[1]: no pipeline "none", want one of this configuration`,
		`pipelines[1].stages[0].route.to[2]: pipeline "m" is for metrics, want one for logs`,
		`pipelines[1].stages[0].route.to[4]: "service" is named above, want each name once`,
		`pipelines[1].stages[0].route.when: none, so nothing comes to the stages behind`,
		`pipelines[1].stages[2]: 0 operations, want one of`,
		`pipelines[1].limits.max_hops: 0, want 1 to 64`,
		`pipelines[1].limits.max_steps: -1, want 1 to 1000000000`,
		`pipelines[1].limits.timeout: 1h0m0s, want 1ms to 1m`,
		`pipelines[2].name: "a" is another pipeline, want a name of its own`,
		`pipelines[2].stages: none, want 1 to 64`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestAFieldThatIsNotKnownIsAFault(t *testing.T) {
	for text, want := range map[string]string{
		"pipelines: [{name: a, signal: logs, stages: [{collect: {size: 3}}]}]": "pipelines: line 1: field collect not found",
		"pipelines: 3":                      "pipelines: line 1: cannot unmarshal !!int `3`",
		"a: {":                              "pipelines: yaml:",
		"pipelines: []\n---\npipelines: []": "several documents",
	} {
		_, err := pipeline.Load([]byte(text), nil)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "Config")
	}
}

func TestACycleIsNamed(t *testing.T) {
	_, err := pipeline.Load([]byte(`
pipelines:
  - {name: start, signal: traces, stages: [{route: {to: ['pipeline:a']}}]}
  - {name: a, signal: traces, stages: [{route: {to: ['pipeline:b']}}]}
  - {name: b, signal: traces, stages: [{route: {when: 'tenant == "x"', to: [service, 'pipeline:c']}}]}
  - {name: c, signal: traces, stages: [{route: {to: ['pipeline:a']}}]}
`), nil)
	require.ErrorContains(t, err, "pipelines: cycle a -> b -> c -> a, want none")
}
