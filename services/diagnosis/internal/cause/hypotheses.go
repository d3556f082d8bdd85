package cause

import (
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
)

// How probable effects are, given their cause. They are judgements, held up by the simulated faults of the tests: what
// happens at the service itself is nearly sure, what others do about it is not.
const (
	sure     = 0.95
	likely   = 0.85
	even     = 0.5
	possible = 0.25
)

// rare is the weight of the kinds of fault that are rarer than a slow or failing service.
const rare = 0.5

// Hypotheses gives the candidates among the nodes that keep accepts. There may be several of one service and kind;
// their probabilities add up. Symptoms are those that could have been seen: where no use of a resource is measured,
// saturation cannot be told from slowness and is not put up, nor is traffic while requests have not been judged.
func Hypotheses(g *Graph, symptoms map[Symptom]bool, keep func(node string) bool) []Candidate {
	var out []Candidate
	for _, name := range g.names {
		if !keep(name) {
			continue
		}
		up := g.upstream(name)
		out = append(out,
			Candidate{name, diagnosisv1.CauseKind_CAUSE_KIND_SLOW, 1, g.slow(name, up)},
			Candidate{name, diagnosisv1.CauseKind_CAUSE_KIND_FAILING, 1, g.failing(name, up)},
		)
		if g.nodes[name].Virtual {
			continue
		}
		if _, measured := symptoms[Symptom{Series: Utilization, Server: name}]; measured {
			out = append(out, Candidate{name, diagnosisv1.CauseKind_CAUSE_KIND_SATURATED, 1, g.saturated(name, up)})
		}
		if lost := g.contextLost(name); len(lost) > 0 {
			out = append(out, Candidate{name, diagnosisv1.CauseKind_CAUSE_KIND_CONTEXT_LOST, rare, lost})
		}
		out = append(out, g.storms(name, up)...)
		if _, judged := symptoms[Symptom{Series: RequestRate, Server: name}]; judged && len(g.callers[name]) == 0 {
			out = append(out, Candidate{name, diagnosisv1.CauseKind_CAUSE_KIND_TRAFFIC, rare, g.traffic(name)})
		}
	}
	return out
}

// slow: its own work takes longer, and all who wait for it wait longer.
func (g *Graph) slow(s string, up map[string]float64) map[Symptom]float64 {
	e := effects{}
	e.at(s, SelfTime, sure)
	g.back(e, up, Latency, EdgeLatency, sure)
	return e
}

// failing: its own failures come back to those who asked.
func (g *Graph) failing(s string, up map[string]float64) map[Symptom]float64 {
	e := effects{}
	e.at(s, OwnError, sure)
	g.back(e, up, ErrorRatio, EdgeError, sure)
	return e
}

// saturated: as slow, and it shows in the use of a resource.
func (g *Graph) saturated(s string, up map[string]float64) map[Symptom]float64 {
	e := g.slow(s, up)
	effects(e).at(s, Utilization, sure)
	effects(e).at(s, RequestRate, possible)
	return e
}

// contextLost: those it calls find no parent and start traces of their own.
func (g *Graph) contextLost(s string) map[Symptom]float64 {
	e := effects{}
	for _, edge := range g.callees[s] {
		if !g.nodes[edge.Server].Virtual {
			e.at(edge.Server, RootRatio, sure*shows(share(edge.Calls, g.nodes[edge.Server].Requests)))
			continue
		}
		for _, behind := range g.callees[edge.Server] { // a queue
			e.at(behind.Server, RootRatio, sure*shows(share(behind.Calls, g.nodes[behind.Server].Requests)))
		}
	}
	return e
}

// storms: one request of s becomes many calls, to one of those it asks or to all of them.
func (g *Graph) storms(s string, up map[string]float64) []Candidate {
	var asked []Edge
	for _, edge := range g.callees[s] {
		if !edge.Asynchronous {
			asked = append(asked, edge)
		}
	}
	sets := [][]Edge{}
	for i := range asked {
		sets = append(sets, asked[i:i+1])
	}
	if len(asked) > 1 {
		sets = append(sets, asked)
	}
	var out []Candidate
	for _, set := range sets {
		weight := rare / float64(len(sets))
		out = append(out, Candidate{s, diagnosisv1.CauseKind_CAUSE_KIND_RETRY_STORM, weight, g.storm(set, up)})
	}
	return out
}

// storm: the calls are more, most of them fail for the caller, and the called one has more to do. The last try may
// succeed, so that nobody above sees more than a delay.
func (g *Graph) storm(edges []Edge, up map[string]float64) map[Symptom]float64 {
	e := effects{}
	g.back(e, up, Latency, EdgeLatency, even)
	g.back(e, up, ErrorRatio, EdgeError, possible)
	for _, edge := range edges {
		e.on(edge, EdgeFanout, sure)
		e.on(edge, EdgeRate, likely)
		e.on(edge, EdgeError, likely)
		e.on(edge, EdgeLatency, possible)
		g.busier(e, edge.Server, share(edge.Calls, g.nodes[edge.Server].Requests))
	}
	return e
}

// busier adds what more requests do to a node, and to those it calls in turn; part is the share of its requests that
// have become many. Further down it is left to chance.
func (g *Graph) busier(e effects, node string, part float64) {
	p := shows(part)
	e.at(node, RequestRate, likely*p)
	e.at(node, Utilization, even*p)
	e.at(node, Latency, possible*p)
	e.at(node, SelfTime, possible*p)
	for _, out := range g.callees[node] {
		e.on(out, EdgeRate, likely*p)
		e.at(out.Server, RequestRate, likely*shows(part*share(out.Calls, g.nodes[out.Server].Requests)))
	}
}

// traffic: more requests from outside go all the way down, and what has more to do may get slower.
func (g *Graph) traffic(s string) map[Symptom]float64 {
	e := effects{}
	for name, part := range g.downstream(s) {
		p := shows(part)
		e.at(name, RequestRate, sure*p)
		e.at(name, Utilization, even*p)
		e.at(name, Latency, possible*p)
		e.at(name, SelfTime, possible*p)
		for _, out := range g.callees[name] {
			e.on(out, EdgeRate, sure*p)
			e.on(out, EdgeLatency, possible*p)
		}
	}
	return e
}

// back adds what comes back along the edges to all who wait: a symptom of each node of up, and of the edges to it.
func (g *Graph) back(e effects, up map[string]float64, node, edge string, p float64) {
	for name, part := range up {
		q := p * shows(part)
		e.at(name, node, q)
		for _, in := range g.callers[name] {
			e.on(in, edge, q)
		}
	}
}

// shows tells how probably an effect on a part of the requests is seen in a quantile or ratio over all of them: hardly
// when the part is far below a tenth.
func shows(part float64) float64 { return part / (part + 0.05) }

// effects collects what a cause brings about; of two ways to a symptom the more probable one stands.
type effects map[Symptom]float64

func (e effects) at(node, series string, p float64) {
	s := Symptom{Series: series, Server: node}
	e[s] = max(e[s], p)
}

func (e effects) on(edge Edge, series string, p float64) {
	s := Symptom{series, edge.Client, edge.Server}
	e[s] = max(e[s], p)
}
