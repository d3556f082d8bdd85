package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

func TestTheGraphCountsItemsOnEachWay(t *testing.T) {
	s := otlp.SignalTraces
	set := load(t, `
pipelines:
  - name: in
    signal: traces
    match: item.name != "other"
    stages:
      - filter: {drop: 'item.name == "a"'}
      - transform: {set: {x: '1'}}
      - route: {when: 'item.name == "b"', to: [backend, 'pipeline:last']}
  - {name: last, signal: traces, match: 'false', stages: [{mask: {keys: [x]}}]}
`, "backend")
	pass(t, set, s, encode(t, message(s, nil, item{Name: "other"}, item{Name: "a"}, item{Name: "b"}, item{Name: "c"}, item{Name: "d"})))
	require.EqualValues(t, 5, set.Received(s))
	nodes, edges := set.Graph()
	known := map[string]int{}
	for _, n := range nodes {
		require.NotContains(t, known, n.Id)
		known[n.Id] = 0
	}
	got := map[[2]string]uint64{}
	labels := map[[2]string][2]string{}
	for _, e := range edges {
		require.Contains(t, known, e.From)
		require.Contains(t, known, e.To)
		if e.Items > 0 {
			require.Equal(t, ingestionv1.FlowType_FLOW_TYPE_SPAN, e.Type)
			way := [2]string{e.From, e.To}
			got[way] = e.Items
			labels[way] = [2]string{e.Transform.String()[len("FLOW_TRANSFORM_"):], e.Effect.String()[len("FLOW_EFFECT_"):]}
		}
	}
	require.Equal(t, map[[2]string]uint64{
		{"received/traces", "sink/service"}:  1,
		{"received/traces", "pipeline/in/0"}: 4,
		{"pipeline/in/0", "dropped"}:         1,
		{"pipeline/in/0", "pipeline/in/1"}:   3,
		{"pipeline/in/1", "pipeline/in/2"}:   3,
		{"pipeline/in/2", "sink/service"}:    2,
		{"pipeline/in/2", "sink/backend"}:    1,
		{"pipeline/in/2", "pipeline/last/0"}: 1,
		{"pipeline/last/0", "sink/service"}:  1,
	}, got)
	require.Equal(t, [2]string{"FILTER", "LOSSY"}, labels[[2]string{"pipeline/in/0", "pipeline/in/1"}])
	require.Equal(t, [2]string{"ENRICH", "ENRICHING"}, labels[[2]string{"pipeline/in/1", "pipeline/in/2"}])
	require.Equal(t, [2]string{"UNSPECIFIED", "LOSSLESS"}, labels[[2]string{"pipeline/in/2", "sink/backend"}])
	require.Equal(t, [2]string{"FILTER", "LOSSY"}, labels[[2]string{"pipeline/last/0", "sink/service"}])
}
