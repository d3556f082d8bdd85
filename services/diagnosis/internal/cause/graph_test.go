package cause

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// diamond is a front that asks a and, for half of its requests, b; both ask a store. It publishes to a mailer.
func diamond() *Graph {
	return NewGraph(
		[]Node{{Name: "front", Requests: 100}, {Name: "a", Requests: 100}, {Name: "b", Requests: 50}, {Name: "mailer", Requests: 100}},
		[]Edge{
			{Client: "front", Server: "a", Calls: 100},
			{Client: "front", Server: "b", Calls: 50},
			{Client: "front", Server: "front", Calls: 9},
			{Client: "front", Server: "mailer", Calls: 100, Asynchronous: true},
			{Client: "a", Server: "store", Calls: 50},
			{Client: "b", Server: "store", Calls: 50},
		})
}

func TestUpstreamIsWhoWaitsAndForHowManyOfHisRequests(t *testing.T) {
	up := diamond().upstream("store")
	require.InDelta(t, 0.97*0.5, up["a"], 1e-9)
	require.InDelta(t, 0.97, up["b"], 1e-9)
	require.InDelta(t, 1-(1-0.97*up["a"])*(1-0.97*0.5*up["b"]), up["front"], 1e-9)
	require.Len(t, up, 4)
	require.Len(t, diamond().upstream("mailer"), 1, "nobody waits for a message")
}

func TestDownstreamIsWhoseRequestsComeFromIt(t *testing.T) {
	g := NewGraph([]Node{{Name: "a", Requests: 10}, {Name: "b", Requests: 20}}, []Edge{{Client: "a", Server: "b", Calls: 5}})
	require.InDelta(t, 0.97*0.25, g.downstream("a")["b"], 1e-9)
}

func TestNearAreNeighboursAndThoseWithACommonCaller(t *testing.T) {
	g := diamond()
	require.True(t, g.Near("front", "a"))
	require.True(t, g.Near("store", "a"))
	require.True(t, g.Near("a", "b"))
	require.True(t, g.Near("elsewhere", "elsewhere"))
	require.False(t, g.Near("front", "store"))
	require.False(t, g.Near("elsewhere", "a"))
}

func TestAroundAreTheStrongestAndThenTheirNeighbours(t *testing.T) {
	g := diamond()
	require.Equal(t, map[string]bool{"store": true, "a": true, "b": true}, g.Around(map[string]float64{"store": 9}, 10))
	require.Equal(t, map[string]bool{"store": true, "mailer": true}, g.Around(map[string]float64{"store": 9, "mailer": 8, "a": 7}, 2))
	require.Empty(t, g.Around(map[string]float64{"elsewhere": 9}, 10))
}

func TestANodeThatOnlyCallsNameIsVirtualAndHasNoFaultOfItsOwnButSlownessAndFailure(t *testing.T) {
	kinds := map[string]int{}
	for _, c := range Hypotheses(diamond(), nil, func(node string) bool { return node == "store" }) {
		kinds[c.Kind.String()]++
	}
	require.Equal(t, map[string]int{"CAUSE_KIND_SLOW": 1, "CAUSE_KIND_FAILING": 1}, kinds)
}

// Whatever the graph, cycles included, what a cause would bring about has a probability below one, and so do the causes.
func TestProbabilitiesAreProbabilities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("s", rapid.IntRange(0, 7).Draw(t, "service")) })
		edges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Edge {
			return Edge{name.Draw(t, "client"), name.Draw(t, "server"), rapid.Bool().Draw(t, "async"), rapid.Float64Range(0, 1000).Draw(t, "calls")}
		}), 0, 20).Draw(t, "edges")
		nodes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Node {
			return Node{name.Draw(t, "node"), rapid.Bool().Draw(t, "virtual"), rapid.Float64Range(0, 100).Draw(t, "requests")}
		}), 0, 8).Draw(t, "nodes")
		candidates := Hypotheses(NewGraph(nodes, edges), map[Symptom]bool{{Series: Utilization, Server: "s0"}: true}, func(string) bool { return true })
		symptoms := map[Symptom]bool{}
		for _, c := range candidates {
			require.Positive(t, c.Weight)
			for s, p := range c.Expect {
				require.GreaterOrEqual(t, p, 0.0)
				require.LessOrEqual(t, p, sure)
				symptoms[s] = rapid.Bool().Draw(t, "seen")
			}
		}
		sum := 0.0
		for _, r := range Rank(candidates, symptoms, Usual()) {
			require.GreaterOrEqual(t, r.Confidence, 0.0)
			sum += r.Confidence
		}
		require.LessOrEqual(t, sum, 1+1e-9)
	})
}
