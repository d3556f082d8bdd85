package ingestion

import (
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// mostProducers is how many services the graph shows for a signal.
const mostProducers = 200

// rates remembers counts for a while, to tell how fast they rise. Many goroutines may use it.
type rates struct {
	mu     sync.Mutex // guards what follows
	since  time.Time
	before map[[2]string]uint64
	now    map[[2]string]uint64
	at     time.Time
}

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
	counts := make(map[[2]string]uint64, len(edges))
	for _, e := range edges {
		key := [2]string{e.GetFrom(), e.GetTo()}
		counts[key] = e.GetItems()
		if passed := now.Sub(r.since).Seconds(); !r.since.IsZero() && passed > 0 {
			e.ItemsPerSecond = float64(e.GetItems()-min(e.GetItems(), r.before[key])) / passed
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
	var nodes []*ingestionv1.FlowNode
	var edges []*ingestionv1.FlowEdge
	producers := map[string]bool{}
	for _, f := range s.senders.Figures(s.deps.Now()) {
		signal := otlp.Signal(f.Signal - 1)
		if id := "producer/" + f.Service; !producers[id] && len(producers) < mostProducers {
			producers[id] = true
			nodes = append(nodes, node(id, ingestionv1.FlowRole_FLOW_ROLE_PRODUCER, f.Service))
		}
		if producers["producer/"+f.Service] {
			edges = append(edges, edge("producer/"+f.Service, "received/"+signal.String(), signal, f.Accepted))
		}
	}
	for _, st := range s.streams {
		if st.set != nil {
			n, e := st.set.Graph()
			nodes, edges = append(nodes, n...), append(edges, e...)
			continue
		}
		received, sink := "received/"+st.signal.String(), "sink/"+st.owner()
		nodes = append(nodes, node(received, ingestionv1.FlowRole_FLOW_ROLE_STAGE, st.signal.String()+" received"),
			node(sink, ingestionv1.FlowRole_FLOW_ROLE_SINK, st.owner()))
		edges = append(edges, edge(received, sink, st.signal, st.handed.Load()))
	}
	n, e := s.notary.flow()
	return append(nodes, n...), append(edges, e...)
}

func node(id string, role ingestionv1.FlowRole, name string) *ingestionv1.FlowNode {
	return &ingestionv1.FlowNode{Id: id, Role: role, Name: name}
}

// edge carries a signal on, unchanged.
func edge(from, to string, signal otlp.Signal, items uint64) *ingestionv1.FlowEdge {
	return &ingestionv1.FlowEdge{
		From: from, To: to, Items: items, Effect: ingestionv1.FlowEffect_FLOW_EFFECT_LOSSLESS, Direction: ingestionv1.FlowDirection_FLOW_DIRECTION_FORWARD,
		Type: [...]ingestionv1.FlowType{ingestionv1.FlowType_FLOW_TYPE_SPAN, ingestionv1.FlowType_FLOW_TYPE_LOG, ingestionv1.FlowType_FLOW_TYPE_METRIC}[signal],
	}
}
