package assembly

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"

	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/services/assembly/internal/red"
)

func (v *server) ListServices(_ context.Context, req *assemblyv1.ListServicesRequest) (*assemblyv1.ListServicesResponse, error) {
	span, err := v.window(req.GetWindow())
	if err != nil {
		return nil, err
	}
	services, _ := v.service.graph(span)
	return &assemblyv1.ListServicesResponse{Services: services}, nil
}

func (v *server) GetGraph(_ context.Context, req *assemblyv1.GetGraphRequest) (*assemblyv1.GetGraphResponse, error) {
	span, err := v.window(req.GetWindow())
	if err != nil {
		return nil, err
	}
	services, edges := v.service.graph(span)
	return &assemblyv1.GetGraphResponse{Services: services, Edges: edges}, nil
}

func (v *server) GetService(_ context.Context, req *assemblyv1.GetServiceRequest) (*assemblyv1.GetServiceResponse, error) {
	span, err := v.window(req.GetWindow())
	if err != nil {
		return nil, err
	}
	resp := new(assemblyv1.GetServiceResponse)
	services, edges := v.service.graph(span)
	for _, s := range services {
		if s.GetName() == req.GetService() {
			resp.Service = s
		}
	}
	if resp.Service == nil {
		return nil, rpc.NotFound("service", req.GetService())
	}
	for _, e := range edges {
		if e.GetServer() == req.GetService() {
			resp.Callers = append(resp.Callers, e)
		}
		if e.GetClient() == req.GetService() {
			resp.Callees = append(resp.Callees, e)
		}
	}
	resp.Operations = v.service.operations(req.GetService(), span)
	return resp, nil
}

// window reads how far back to count.
func (v *server) window(d *durationpb.Duration) (red.Span, error) {
	length := time.Minute
	if d != nil {
		length = d.AsDuration()
	}
	if length < time.Second || length > red.Retention {
		return red.Span{}, rpc.InvalidArgument("window", fmt.Sprintf("%v, want 1s to 1h", length))
	}
	return red.Last(length, v.service.deps.Now()), nil
}

// graph reads all nodes and edges over a window.
func (s *Service) graph(span red.Span) ([]*assemblyv1.Service, []*assemblyv1.Edge) {
	s.bookMu.Lock()
	nodes, pairs := s.book.Nodes(span), s.book.Edges(span)
	s.bookMu.Unlock()
	var services []*assemblyv1.Service
	for i := range nodes {
		n := &nodes[i]
		services = append(services, &assemblyv1.Service{
			Name: n.Name, Kind: nodeKind(n.Kind), Red: figures(&n.Figures, span), LastSeenTime: timestamppb.New(unix(n.Last)),
		})
	}
	var edges []*assemblyv1.Edge
	for i := range pairs {
		e := &pairs[i]
		edges = append(edges, &assemblyv1.Edge{
			Client: e.Client, Server: e.Server, Asynchronous: e.Asynchronous*2 > e.Requests, Red: figures(&e.Figures, span),
		})
	}
	return services, edges
}

// operations reads the operations of a service over a window, busiest first.
func (s *Service) operations(service string, span red.Span) []*assemblyv1.Operation {
	s.bookMu.Lock()
	all := s.book.Operations(service, span)
	s.bookMu.Unlock()
	var ops []*assemblyv1.Operation
	for i := range all[:min(len(all), 500)] {
		ops = append(ops, &assemblyv1.Operation{Name: all[i].Name, Red: figures(&all[i].Figures, span)})
	}
	return ops
}

func figures(f *red.Figures, span red.Span) *assemblyv1.Red {
	out := &assemblyv1.Red{Rate: float64(f.Requests) / span.Seconds(), Requests: f.Requests}
	if f.Requests == 0 {
		return out
	}
	out.ErrorRatio = float64(f.Errors) / float64(f.Requests)
	out.P50, out.P90, out.P99 = quantile(f, 0.5), quantile(f, 0.9), quantile(f, 0.99)
	return out
}

func quantile(f *red.Figures, q float64) *durationpb.Duration {
	ns, ok := f.Duration.Quantile(q)
	if !ok {
		return nil
	}
	return durationpb.New(time.Duration(ns))
}

func nodeKind(k red.Kind) assemblyv1.NodeKind {
	switch k {
	case red.Service:
		return assemblyv1.NodeKind_NODE_KIND_SERVICE
	case red.Database:
		return assemblyv1.NodeKind_NODE_KIND_DATABASE
	case red.Queue:
		return assemblyv1.NodeKind_NODE_KIND_QUEUE
	}
	return assemblyv1.NodeKind_NODE_KIND_EXTERNAL
}

// ledger reads the balance of the spans.
func (s *Service) ledger() *assemblyv1.GetLedgerResponse {
	b := s.accounts.balance()
	resp := &assemblyv1.GetLedgerResponse{
		Received: b.received, Kept: b.Kept, Duplicates: b.Duplicates, Pending: b.pending,
		TracesKept: b.TracesKept, TracesDropped: b.TracesDropped, TracesOpen: uint64(s.openTraces()),
	}
	for _, reason := range slices.Sorted(maps.Keys(b.Dropped)) {
		resp.Dropped = append(resp.Dropped, &assemblyv1.DroppedCount{Reason: reason, Spans: b.Dropped[reason]})
	}
	return resp
}
