package diagnosis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	"github.com/triflow/triflow/services/diagnosis/internal/cause"
)

const (
	// graphWindow is how far back the graph counts.
	graphWindow = 2 * time.Minute
	// historyLength is how long graphs are kept: an incident may be recognised well after it began.
	historyLength = 10 * time.Minute
)

// snapshot is the graph at a time.
type snapshot struct {
	at    time.Time
	raw   *assemblyv1.GetGraphResponse
	graph *cause.Graph
}

// Near tells whether two services are near each other.
func (s snapshot) Near(a, b string) bool { return s.graph.Near(a, b) }

// history holds the graphs of the last minutes, oldest first.
type history []snapshot

// latest gives the newest graph, an empty one before the first.
func (h history) latest() snapshot {
	if len(h) == 0 {
		raw := &assemblyv1.GetGraphResponse{}
		return snapshot{raw: raw, graph: newGraph(raw)}
	}
	return h[len(h)-1]
}

// before gives the newest graph from before a time; if there is none, the oldest.
func (h history) before(at time.Time) snapshot {
	for _, s := range slices.Backward(h) {
		if s.at.Before(at) {
			return s
		}
	}
	if len(h) > 0 {
		return h[0]
	}
	return h.latest()
}

// readGraph adds the graph to the history if it is time to.
func (s *Service) readGraph(ctx context.Context, now time.Time) error {
	if at := s.history.latest().at; !at.IsZero() && now.Sub(at) < s.cfg.Graph {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	raw, err := s.deps.Assembly.GetGraph(ctx, &assemblyv1.GetGraphRequest{Window: durationpb.New(graphWindow)})
	if err != nil {
		return fmt.Errorf("get graph: %w", err)
	}
	s.history = append(s.history, snapshot{now, raw, newGraph(raw)})
	s.history = slices.DeleteFunc(s.history, func(old snapshot) bool { return now.Sub(old.at) > historyLength })
	return nil
}

func newGraph(raw *assemblyv1.GetGraphResponse) *cause.Graph {
	var nodes []cause.Node
	for _, n := range raw.GetServices() {
		virtual := n.GetKind() != assemblyv1.NodeKind_NODE_KIND_SERVICE
		nodes = append(nodes, cause.Node{Name: n.GetName(), Virtual: virtual, Requests: float64(n.GetRed().GetRequests())})
	}
	var edges []cause.Edge
	for _, e := range raw.GetEdges() {
		edges = append(edges, cause.Edge{
			Client: e.GetClient(), Server: e.GetServer(), Asynchronous: e.GetAsynchronous(), Calls: float64(e.GetRed().GetRequests()),
		})
	}
	return cause.NewGraph(nodes, edges)
}
