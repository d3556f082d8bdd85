package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// allStages is a configuration with every kind of stage for each signal.
func allStages() string {
	var b strings.Builder
	b.WriteString("pipelines:\n")
	for _, s := range signals {
		aggregate := map[otlp.Signal]string{otlp.SignalTraces: "transform: {delete: [none]}", otlp.SignalLogs: "aggregate: {by: 'item.event_name'}", otlp.SignalMetrics: "aggregate: {drop: [a, \"*b\"]}"}[s]
		fmt.Fprintf(&b, `
- name: %[1]s
  signal: %[1]s
  match: resource["x"] != "y" || size(resource) == 0
  stages:
    - filter: {drop: 'attributes.exists(k, k == "drop")'}
    - transform: {when: 'size(attributes) < 3', set: {all: 'attributes', env: '"prod"'}, delete: [env2]}
    - transform: {on: resource, set: {r: 'resource'}}
    - %[3]s
    - route: {when: '%[2]s.startsWith("a")', to: [backend, 'pipeline:%[1]s-mask']}
    - mask: {keys: ["*b*", a], patterns: ['\d{3}'], action: drop}
- name: %[1]s-mask
  signal: %[1]s
  match: 'false'
  stages:
    - mask: {keys: ["*.password"], patterns: ['a+'], action: redact}
`, s, nameField(s), aggregate)
	}
	return b.String()
}

func examples(t require.TestingT) (payloads [][]byte) {
	for _, s := range signals {
		pairs := []*commonv1.KeyValue{
			pair("a", text("123")), pair("m", table(pair("password", list(text("aa"), number(1234))))), pair("drop", number(1)),
		}
		payloads = append(payloads, encode(t, message(s, pairs, item{"a", pairs[:2]}, item{"b", pairs}, item{"c", pairs[:1]})))
	}
	return payloads
}

// oddMetric is accepted though no encoder writes it so: points on both sides of what they are, text where a number should
// be, the name last, and a field that is not known first.
func oddMetric() []byte {
	point := func(at uint64) []byte {
		p := record.AppendBytes(nil, 7, record.AppendPair(nil, "a", nil))
		return protowire.AppendFixed64(protowire.AppendTag(p, 3, protowire.Fixed64Type), at)
	}
	sum := protowire.AppendVarint(protowire.AppendTag(record.AppendBytes(nil, 1, point(2)), 2, protowire.VarintType), 2)
	metric := record.AppendBytes(nil, record.Sum, record.AppendBytes(sum, 1, record.AppendBytes(point(2), 4, []byte("no number"))))
	metric = record.AppendBytes(metric, 1, []byte("m"))
	scope := record.AppendBytes(record.AppendBytes(nil, 2, metric), 2, metric)
	return record.AppendBytes(nil, 1, record.AppendBytes(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7), 2, scope))
}

func FuzzRun(f *testing.F) {
	for s, payload := range examples(f) {
		f.Add(uint8(s), payload)
	}
	f.Add(uint8(otlp.SignalMetrics), oddMetric())
	set := load(f, allStages(), "backend")
	f.Fuzz(func(t *testing.T, signal uint8, payload []byte) {
		s := otlp.Signal(signal % 3)
		r := &otlp.Request{}
		if r.Scan(s, payload, nil) != nil {
			return
		}
		out := &pipeline.Output{}
		in := pipeline.Input{Signal: s, Payload: r.Kept(), Tenant: "acme", To: []string{"", "backend", pipeline.Service}[signal/3%3]}
		require.NoError(t, set.Run(in, out))
		for _, f := range out.Fates {
			require.EqualValues(t, r.Items-r.Refused, f.Items())
		}
		for _, p := range out.Parts {
			got := &otlp.Request{}
			require.NoError(t, got.Scan(s, p.Payload, nil))
			require.Empty(t, got.Refusals())
		}
		again := &pipeline.Output{}
		require.NoError(t, set.Run(in, again))
		require.Equal(t, out, again)
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(allStages())
	for _, s := range []string{`{filter: {keep: 'true'}}`, `{route: {to: [service]}}`, `{mask: {keys: ["a*"]}}`, `{transform: {set: {a: '1'}}}`} {
		f.Add(stages(otlp.SignalTraces, s))
	}
	payloads := examples(f)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := pipeline.Load([]byte(text), []string{"backend"})
		if err != nil {
			return
		}
		for s, payload := range payloads {
			out := pass(t, set, otlp.Signal(s), payload)
			require.Equal(t, out, pass(t, set, otlp.Signal(s), payload))
		}
		nodes, edges := set.Graph()
		require.NotEmpty(t, nodes)
		require.NotEmpty(t, edges)
	})
}
