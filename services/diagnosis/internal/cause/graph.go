package cause

import (
	"cmp"
	"slices"
)

// Node is a service, or a dependency known only by the calls to it.
type Node struct {
	Name string
	// Virtual: it sends no spans, so it has no series but those of its edges.
	Virtual bool
	// Requests counted over the window of the graph.
	Requests float64
}

// Edge is calls from one node to another over the window of the graph.
type Edge struct {
	Client, Server string
	// Asynchronous: the client does not wait, so neither delay nor failure comes back to it.
	Asynchronous bool
	Calls        float64
}

// Graph is who calls whom. It does not change, so many goroutines may use it.
type Graph struct {
	nodes   map[string]Node
	names   []string // sorted
	callers map[string][]Edge
	callees map[string][]Edge
}

// NewGraph makes a graph. Calls of a node to itself are left out; a node that only an edge names is virtual.
func NewGraph(nodes []Node, edges []Edge) *Graph {
	g := &Graph{nodes: map[string]Node{}, callers: map[string][]Edge{}, callees: map[string][]Edge{}}
	for _, n := range nodes {
		g.nodes[n.Name] = n
	}
	edges = slices.SortedFunc(slices.Values(edges), func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Server, b.Server))
	})
	for _, e := range edges {
		if e.Client == e.Server {
			continue
		}
		for _, name := range []string{e.Client, e.Server} {
			if _, known := g.nodes[name]; !known {
				g.nodes[name] = Node{Name: name, Virtual: true}
			}
		}
		g.callees[e.Client] = append(g.callees[e.Client], e)
		g.callers[e.Server] = append(g.callers[e.Server], e)
	}
	for name := range g.nodes {
		g.names = append(g.names, name)
	}
	slices.Sort(g.names)
	return g
}

// Near tells whether a trouble of one node is likely to have to do with one of the other: they are the same, one calls
// the other, or something calls both.
func (g *Graph) Near(a, b string) bool {
	if a == b || g.calls(a, b) || g.calls(b, a) {
		return true
	}
	return slices.ContainsFunc(g.callers[a], func(e Edge) bool { return g.calls(e.Client, b) })
}

// Around gives the nodes that may be the cause of anomalies: those with a score, highest first, then those that are near
// one of them; at most limit.
func (g *Graph) Around(scores map[string]float64, limit int) map[string]bool {
	near := slices.DeleteFunc(slices.Clone(g.names), func(name string) bool {
		if scores[name] > 0 {
			return false
		}
		for scored := range scores {
			if g.Near(scored, name) {
				return false
			}
		}
		return true
	})
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(scores[b], scores[a]) })
	out := map[string]bool{}
	for _, name := range near[:min(len(near), limit)] {
		out[name] = true
	}
	return out
}

func (g *Graph) calls(client, server string) bool {
	return slices.ContainsFunc(g.callees[client], func(e Edge) bool { return e.Server == server })
}

// hop is how much of an effect one step along an edge leaves.
const hop = 0.97

// upstream gives, for each node that waits for s, how much of its requests wait for s, 0 to 1, less a little for each
// step. It is the least fixed point of reach(u) = 1 − Π (1 − hop · share(u→v) · reach(v)), found by iteration from
// below, so cycles are no matter.
func (g *Graph) upstream(s string) map[string]float64 {
	return g.spread(s, func(u string) []step {
		var steps []step
		for _, e := range g.callees[u] {
			if !e.Asynchronous {
				steps = append(steps, step{e.Server, share(e.Calls, g.nodes[u].Requests)})
			}
		}
		return steps
	}, g.callers, func(e Edge) string { return e.Client })
}

// downstream gives, for each node that s calls, directly or not, how much of its requests come from s, 0 to 1.
func (g *Graph) downstream(s string) map[string]float64 {
	return g.spread(s, func(v string) []step {
		var steps []step
		for _, e := range g.callers[v] {
			steps = append(steps, step{e.Client, share(e.Calls, g.nodes[v].Requests)})
		}
		return steps
	}, g.callees, func(e Edge) string { return e.Server })
}

// step is a node that an effect comes from, and the share of the requests it concerns.
type step struct {
	from  string
	share float64
}

const (
	// maxRounds bounds the iteration; an effect that takes more steps is as good as none.
	maxRounds = 32
	// tolerance is a change of reach that is not worth another round.
	tolerance = 0.005
)

func (g *Graph) spread(s string, sources func(string) []step, onward map[string][]Edge, far func(Edge) string) map[string]float64 {
	reach := map[string]float64{s: 1}
	frontier := []string{s}
	for range maxRounds {
		var next []string
		for _, name := range frontier {
			for _, e := range onward[name] {
				u := far(e)
				if u == s {
					continue
				}
				miss := 1.0
				for _, from := range sources(u) {
					miss *= 1 - hop*from.share*reach[from.from]
				}
				if 1-miss > reach[u]+tolerance {
					reach[u] = 1 - miss
					next = append(next, u)
				}
			}
		}
		if len(next) == 0 {
			break
		}
		slices.Sort(next)
		frontier = slices.Compact(next)
	}
	return reach
}

// share is part of whole, 0 to 1, and 1 when the whole is not known.
func share(part, whole float64) float64 {
	if whole <= 0 {
		return 1
	}
	return min(1, part/whole)
}

// Callers gives the nodes that call a node, by name.
func (g *Graph) Callers(node string) []string {
	var out []string
	for _, e := range g.callers[node] {
		out = append(out, e.Client)
	}
	return out
}

// Callees gives the nodes that a node calls, by name.
func (g *Graph) Callees(node string) []string {
	var out []string
	for _, e := range g.callees[node] {
		out = append(out, e.Server)
	}
	return out
}
