package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// anyPipelines draws a configuration, in which pipelines lead to those below them.
func anyPipelines(t *rapid.T, s otlp.Signal) string {
	var b strings.Builder
	b.WriteString("pipelines:\n")
	conditions := []string{fmt.Sprintf(`%s == "a"`, nameField(s)), `"a" in attributes`, `size(attributes) > 1`, `attributes["password"] == "a"`, "true"}
	n := rapid.IntRange(1, 4).Draw(t, "pipelines")
	for i := range n {
		when := func() string { return rapid.SampledFrom(conditions).Draw(t, "condition") }
		fmt.Fprintf(&b, "- name: p%d\n  signal: %s\n  match: '%s'\n  limits: {max_steps: %d}\n  stages:\n", i, s, when(), rapid.SampledFrom([]int{5, 100, 1e6}).Draw(t, "steps"))
		for range rapid.IntRange(1, 4).Draw(t, "stages") {
			switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
			case kind == 0:
				fmt.Fprintf(&b, "  - filter: {drop: '%s'}\n", when())
			case kind == 1:
				b.WriteString("  - mask: {keys: [password]}\n")
			case kind == 2:
				b.WriteString("  - transform: {set: {x: '1'}}\n")
			case kind == 3 && s == otlp.SignalMetrics:
				b.WriteString("  - aggregate: {keep: [a]}\n")
			case kind == 3 && s == otlp.SignalLogs:
				fmt.Fprintf(&b, "  - aggregate: {by: '%s'}\n", when())
			default:
				to := []string{"backend", "other", "service"}
				if i < n-1 {
					to = append(to, fmt.Sprintf("pipeline:p%d", rapid.IntRange(i+1, n-1).Draw(t, "next")))
				}
				fmt.Fprintf(&b, "  - route: {when: '%s', to: ['%s']}\n", when(),
					strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(to), 1, len(to), rapid.ID[string]).Draw(t, "to"), "', '"))
			}
		}
	}
	return b.String()
}

func TestEveryItemHasOneFateOnTheWayToEachDestination(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signals).Draw(t, "signal")
		text := anyPipelines(t, s)
		var payload []byte
		var requests []int
		all := 0
		for range rapid.IntRange(1, 3).Draw(t, "requests") {
			one := encode(t, anyMessage(s).Draw(t, "request"))
			payload, requests = append(payload, one...), append(requests, len(itemsOf(t, s, one)))
			all += requests[len(requests)-1]
		}
		whole := &pipeline.Output{}
		require.NoError(t, load(t, text, "backend", "other").Run(pipeline.Input{Signal: s, Payload: payload, Items: all, Tenant: "acme", Requests: requests}, whole))
		for _, to := range []string{pipeline.Service, "backend", "other"} {
			set, out := load(t, text, "backend", "other"), &pipeline.Output{}
			require.NoError(t, set.Run(pipeline.Input{Signal: s, Payload: payload, Items: all, Tenant: "acme", Requests: requests, To: to}, out))
			led := 0
			for i, f := range out.Fates {
				require.EqualValues(t, requests[i], f.Items())
				led += int(f.Led)
			}
			require.Equal(t, part(whole, to), part(out, to), "asking for one changes nothing")
			require.Equal(t, part(out, to).Items, led)
			conserved(t, set)
		}
	})
}

// conserved holds that what comes to a node leaves it.
func conserved(t require.TestingT, set *pipeline.Set) {
	nodes, edges := set.Graph()
	in, out := map[string]uint64{}, map[string]uint64{}
	for _, e := range edges {
		in[e.GetTo()] += e.GetItems()
		out[e.GetFrom()] += e.GetItems()
		if e.GetItems() == 0 {
			require.Zero(t, e.GetBytes())
		}
	}
	for _, n := range nodes {
		if n.GetRole() != ingestionv1.FlowRole_FLOW_ROLE_STAGE || in[n.GetId()] == 0 {
			continue
		}
		if strings.HasSuffix(n.GetName(), ": route") {
			require.GreaterOrEqual(t, out[n.GetId()], in[n.GetId()], n.GetId())
			continue
		}
		require.Equal(t, in[n.GetId()], out[n.GetId()], n.GetId())
	}
}
