package ingestion

import (
	"strings"
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// mostProducers is how many services the graph shows for a signal.
const mostProducers = 200

// rates remembers counts for a while, to tell how fast they rise. Many goroutines may use it.
type rates struct {
	mu     sync.Mutex // guards what follows
	since  time.Time
	before map[edgeKey]counted
	now    map[edgeKey]counted
	at     time.Time
}

// edgeKey tells an edge from all others.
type edgeKey struct {
	from, to  string
	flow      ingestionv1.FlowType
	transform ingestionv1.FlowTransform
	effect    ingestionv1.FlowEffect
}

type counted struct{ items, bytes uint64 }

// ratePeriod is the least time that a rate is over; it is at most twice that.
const ratePeriod = 30 * time.Second

// due tells that counts should be taken, so that somebody who asks later gets rates.
func (r *rates) due(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.at) >= ratePeriod
}

// of gives each edge its rate.
func (r *rates) of(now time.Time, edges []*ingestionv1.FlowEdge) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[edgeKey]counted, len(edges))
	passed := now.Sub(r.since).Seconds()
	for _, e := range edges {
		key := edgeKey{e.GetFrom(), e.GetTo(), e.GetType(), e.GetTransform(), e.GetEffect()}
		counts[key] = counted{e.GetItems(), e.GetBytes()}
		if before := r.before[key]; !r.since.IsZero() && passed > 0 {
			e.ItemsPerSecond = float64(e.GetItems()-min(e.GetItems(), before.items)) / passed
			e.BytesPerSecond = float64(e.GetBytes()-min(e.GetBytes(), before.bytes)) / passed
		}
	}
	switch {
	case r.since.IsZero():
		r.since, r.before, r.at, r.now = now, counts, now, counts
	case now.Sub(r.at) >= ratePeriod:
		r.since, r.before, r.at, r.now = r.at, r.now, now, counts
	}
}

// flow is the graph as it stands, without rates: services, the door, the pipelines and the sinks.
func (s *Service) flow() ([]*ingestionv1.FlowNode, []*ingestionv1.FlowEdge) {
	g := &graph{known: map[string]bool{}}
	producers := 0
	for _, f := range s.senders.Figures(s.deps.Now()) {
		signal, id := otlp.Signal(f.Signal-1), "producer/"+f.Service
		if !g.known[id] && producers < mostProducers {
			producers++
			g.node(id, ingestionv1.FlowRole_FLOW_ROLE_PRODUCER, f.Service)
		}
		if g.known[id] {
			g.edges = append(g.edges, edge(id, "received/"+signal.String(), signal, f.Accepted, f.Bytes))
		}
	}
	for _, st := range s.streams {
		g.stream(st)
	}
	n, e := s.notary.flow()
	return append(g.nodes, n...), append(g.edges, e...)
}

// graph is a graph that is being drawn.
type graph struct {
	known map[string]bool // nodes by id
	nodes []*ingestionv1.FlowNode
	edges []*ingestionv1.FlowEdge
}

func (g *graph) node(id string, role ingestionv1.FlowRole, name string) {
	if !g.known[id] {
		g.known[id] = true
		g.nodes = append(g.nodes, node(id, role, name))
	}
}

// stream draws the ways of a signal. What leads to another backend is counted by the link that follows the log for it.
func (g *graph) stream(st *stream) {
	received, owner := "received/"+st.signal.String(), "sink/"+st.owner()
	g.node(received, ingestionv1.FlowRole_FLOW_ROLE_STAGE, st.signal.String()+" received")
	g.node(owner, ingestionv1.FlowRole_FLOW_ROLE_SINK, st.owner())
	if st.passage == nil {
		g.edges = append(g.edges, edge(received, owner, st.signal, st.led.Load(), st.bytes.Load()))
		return
	}
	const service = "sink/" + pipeline.Service
	nodes, edges := st.passage.set.Graph()
	for _, n := range nodes {
		if n.GetId() != service {
			g.node(n.GetId(), n.GetRole(), n.GetName())
		}
	}
	kind := edge("", "", st.signal, 0, 0).GetType()
	for _, e := range edges {
		if to, leads := strings.CutPrefix(e.GetTo(), "sink/"); e.GetType() != kind || leads && to != pipeline.Service {
			continue
		}
		if e.GetTo() == service {
			e.To = owner
		}
		g.edges = append(g.edges, e)
	}
	for _, l := range st.links {
		g.link(l, kind)
	}
}

// link draws what leads to a backend: requests are joined and split before it.
func (g *graph) link(l *link, kind ingestionv1.FlowType) {
	batch, sink := "batch/"+l.name, "sink/"+l.name
	g.node(batch, ingestionv1.FlowRole_FLOW_ROLE_STAGE, l.name+": batch")
	_, edges := l.passage.set.Graph()
	for _, e := range edges {
		if e.GetTo() == sink && e.GetType() == kind {
			e.To = batch
			g.edges = append(g.edges, e)
		}
	}
	e := edge(batch, sink, l.stream.signal, l.led.Load(), l.bytes.Load())
	e.Transform = ingestionv1.FlowTransform_FLOW_TRANSFORM_BATCH
	g.edges = append(g.edges, e)
}

func node(id string, role ingestionv1.FlowRole, name string) *ingestionv1.FlowNode {
	return &ingestionv1.FlowNode{Id: id, Role: role, Name: name}
}

// edge carries a signal on, unchanged.
func edge(from, to string, signal otlp.Signal, items, bytes uint64) *ingestionv1.FlowEdge {
	return &ingestionv1.FlowEdge{
		From: from, To: to, Items: items, Bytes: bytes, Effect: ingestionv1.FlowEffect_FLOW_EFFECT_LOSSLESS, Direction: ingestionv1.FlowDirection_FLOW_DIRECTION_FORWARD,
		Type: [...]ingestionv1.FlowType{ingestionv1.FlowType_FLOW_TYPE_SPAN, ingestionv1.FlowType_FLOW_TYPE_LOG, ingestionv1.FlowType_FLOW_TYPE_METRIC}[signal],
	}
}
