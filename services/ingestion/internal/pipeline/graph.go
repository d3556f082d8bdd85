package pipeline

import (
	"fmt"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// Names of nodes that are no stage.
const (
	nodeReceived = "received/" // and the signal
	nodeSink     = "sink/"     // and the destination
	nodeDropped  = "dropped"
	nodeJoined   = "aggregated"
)

// Graph gives the ways of telemetry through the pipelines, with the items that took each since Load. Rates are left to
// who asks twice. An edge has the transform and the effect of the stage that it leaves. Many goroutines may call it, also
// while Run runs: edges are each true, but not of one instant.
func (s *Set) Graph() ([]*ingestionv1.FlowNode, []*ingestionv1.FlowEdge) {
	g := &graph{}
	for _, signal := range []otlp.Signal{otlp.SignalTraces, otlp.SignalLogs, otlp.SignalMetrics} {
		g.signal = signal
		source := nodeReceived + signal.String()
		g.node(source, ingestionv1.FlowRole_FLOW_ROLE_STAGE, signal.String())
		g.edge(source, nodeSink+Service, &s.unmatched[signal], mark{})
		for _, p := range s.bySignal[signal] {
			g.edge(source, p.node(0), &p.taken, mark{})
			for i := range p.stages {
				g.stage(s, p, i)
			}
		}
	}
	for _, d := range s.destinations {
		g.node(nodeSink+d, ingestionv1.FlowRole_FLOW_ROLE_SINK, d)
	}
	g.node(nodeDropped, ingestionv1.FlowRole_FLOW_ROLE_SINK, nodeDropped)
	g.node(nodeJoined, ingestionv1.FlowRole_FLOW_ROLE_SINK, nodeJoined)
	return g.nodes, g.edges
}

// Received counts items of a signal that came to Run.
func (s *Set) Received(signal otlp.Signal) uint64 { return s.received[signal].items.Load() }

// node is the id of a stage; behind the last one is Service.
func (p *pipeline) node(i int) string {
	if i == len(p.stages) {
		return nodeSink + Service
	}
	return fmt.Sprintf("pipeline/%s/%d", p.name, i)
}

// mark is what a stage does to telemetry.
type mark struct {
	transform ingestionv1.FlowTransform
	effect    ingestionv1.FlowEffect
}

// mark tells what a stage does. One that takes something away is lossy, one that only adds is enriching. A mask filters
// what is in items.
func (s *stage) mark() mark {
	switch op := s.op.(type) {
	case *filter, *mask:
		return mark{ingestionv1.FlowTransform_FLOW_TRANSFORM_FILTER, ingestionv1.FlowEffect_FLOW_EFFECT_LOSSY}
	case *points, *records:
		return mark{ingestionv1.FlowTransform_FLOW_TRANSFORM_AGGREGATE, ingestionv1.FlowEffect_FLOW_EFFECT_LOSSY}
	case *transform:
		if len(op.deleted) > 0 {
			return mark{ingestionv1.FlowTransform_FLOW_TRANSFORM_ENRICH, ingestionv1.FlowEffect_FLOW_EFFECT_LOSSY}
		}
		return mark{ingestionv1.FlowTransform_FLOW_TRANSFORM_ENRICH, ingestionv1.FlowEffect_FLOW_EFFECT_ENRICHING}
	}
	return mark{}
}

type graph struct {
	signal otlp.Signal // of the edges that are drawn
	nodes  []*ingestionv1.FlowNode
	edges  []*ingestionv1.FlowEdge
}

func (g *graph) node(id string, role ingestionv1.FlowRole, name string) {
	g.nodes = append(g.nodes, &ingestionv1.FlowNode{Id: id, Role: role, Name: name})
}

// edge draws an edge; between two nodes there is one for each signal, so what takes it twice is added up.
func (g *graph) edge(from, to string, c *count, m mark) {
	items, bytes := c.items.Load(), c.bytes.Load()
	flow := [...]ingestionv1.FlowType{
		otlp.SignalTraces:  ingestionv1.FlowType_FLOW_TYPE_SPAN,
		otlp.SignalLogs:    ingestionv1.FlowType_FLOW_TYPE_LOG,
		otlp.SignalMetrics: ingestionv1.FlowType_FLOW_TYPE_METRIC,
	}[g.signal]
	if m.effect == ingestionv1.FlowEffect_FLOW_EFFECT_UNSPECIFIED {
		m.effect = ingestionv1.FlowEffect_FLOW_EFFECT_LOSSLESS
	}
	for _, e := range g.edges {
		if e.From == from && e.To == to && e.Type == flow && e.Transform == m.transform && e.Effect == m.effect {
			e.Items += items
			e.Bytes += bytes
			return
		}
	}
	g.edges = append(g.edges, &ingestionv1.FlowEdge{
		From: from, To: to, Type: flow, Transform: m.transform, Effect: m.effect,
		Direction: ingestionv1.FlowDirection_FLOW_DIRECTION_FORWARD, Items: items, Bytes: bytes,
	})
}

// stage draws a stage and the edges that leave it.
func (g *graph) stage(s *Set, p *pipeline, i int) {
	st := p.stages[i]
	id := p.node(i)
	g.node(id, ingestionv1.FlowRole_FLOW_ROLE_STAGE, p.name+": "+st.kind)
	m := st.mark()
	g.edge(id, p.node(i+1), &st.next, m)
	if st.dropped.items.Load() > 0 || st.kind == "filter" {
		g.edge(id, nodeDropped, &st.dropped, mark{m.transform, ingestionv1.FlowEffect_FLOW_EFFECT_LOSSY})
	}
	if st.kind == "aggregate" {
		g.edge(id, nodeJoined, &st.joined, m)
	}
	if st.over.items.Load() > 0 {
		g.edge(id, nodeSink+Service, &st.over, mark{}) // the stage did nothing to them
	}
	if r, ok := st.op.(*route); ok {
		for j := range r.to {
			to := nodeSink + s.destinations[r.to[j].destination]
			if next := r.to[j].pipeline; next != nil {
				to = next.node(0)
			}
			g.edge(id, to, &r.to[j].led, m)
		}
	}
}
