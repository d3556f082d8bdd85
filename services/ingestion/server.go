package ingestion

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/rpc"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

type server struct {
	ingestionv1.UnimplementedIngestionServiceServer
	s *Service
}

// Register adds the IngestionService and the WitnessService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	ingestionv1.RegisterIngestionServiceServer(r, &server{s: s})
	ingestionv1.RegisterWitnessServiceServer(r, &witnessServer{s: s})
}

func (v *server) GetLedger(context.Context, *ingestionv1.GetLedgerRequest) (*ingestionv1.GetLedgerResponse, error) {
	out := &ingestionv1.GetLedgerResponse{}
	for _, st := range v.s.streams {
		out.Signals = append(out.Signals, st.ledger())
	}
	return out, nil
}

func (v *server) ListSenders(_ context.Context, req *ingestionv1.ListSendersRequest) (*ingestionv1.ListSendersResponse, error) {
	var faults rpc.Violations
	size, err := page.Size(req.GetPageSize(), 100, 1000)
	faults.Check("page_size", err)
	cursor, err := page.Decode(req, req.GetPageToken())
	faults.Check("page_token", err)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	found, next, err := v.s.senders.List(v.s.deps.Now(), arrival.Query{
		Signal: req.GetSignal(), Tenant: req.GetTenant(), Service: req.GetService(), Cursor: cursor, Limit: size,
	})
	if err != nil {
		return nil, rpc.InvalidArgument("page_token", err.Error())
	}
	return &ingestionv1.ListSendersResponse{Senders: found, NextPageToken: page.Encode(req, next), Forgotten: v.s.senders.Forgotten()}, nil
}

func (v *server) ListTenants(context.Context, *ingestionv1.ListTenantsRequest) (*ingestionv1.ListTenantsResponse, error) {
	out := &ingestionv1.ListTenantsResponse{}
	for _, u := range v.s.gate.Usage(v.s.deps.Now()) {
		out.Tenants = append(out.Tenants, tenantOf(u))
	}
	return out, nil
}

func tenantOf(u admit.Usage) *ingestionv1.Tenant {
	t := &ingestionv1.Tenant{
		Name: u.Name, RequestsPerSecond: u.Limit.RequestsPerSecond, ItemsPerSecond: u.Limit.ItemsPerSecond, BytesPerSecond: u.Limit.BytesPerSecond,
		InFlightBytes: uint64(u.InFlight), InFlightShareBytes: uint64(u.Share), Accepted: u.Accepted,
	}
	for _, r := range u.Refused {
		t.Refused = append(t.Refused, &ingestionv1.RefusedCount{Reason: r.Reason.String(), Items: r.Items})
	}
	return t
}

func (v *server) ListDestinations(context.Context, *ingestionv1.ListDestinationsRequest) (*ingestionv1.ListDestinationsResponse, error) {
	out := &ingestionv1.ListDestinationsResponse{}
	for _, st := range v.s.streams {
		out.Destinations = append(out.Destinations, st.destination())
	}
	for _, st := range v.s.streams {
		for _, l := range st.links {
			out.Destinations = append(out.Destinations, l.destination())
		}
	}
	return out, nil
}

func (v *server) GetDataFlow(context.Context, *ingestionv1.GetDataFlowRequest) (*ingestionv1.GetDataFlowResponse, error) {
	nodes, edges := v.s.flow()
	v.s.rates.of(v.s.deps.Now(), edges)
	return &ingestionv1.GetDataFlowResponse{Nodes: nodes, Edges: edges}, nil
}

func (v *server) ListFaults(_ context.Context, req *ingestionv1.ListFaultsRequest) (*ingestionv1.ListFaultsResponse, error) {
	var faults rpc.Violations
	size, err := page.Size(req.GetPageSize(), 100, 1000)
	faults.Check("page_size", err)
	cursor, err := page.Decode(req, req.GetPageToken())
	faults.Check("page_token", err)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	found, next, err := v.s.faults.List(fault.Query{Class: req.GetClass(), Cursor: cursor, Limit: size})
	if err != nil {
		return nil, rpc.InvalidArgument("page_token", err.Error())
	}
	out := &ingestionv1.ListFaultsResponse{NextPageToken: page.Encode(req, next)}
	for _, f := range found {
		out.Faults = append(out.Faults, &ingestionv1.Fault{
			Class: f.Class, Kind: f.Kind, Subject: f.Subject, Signal: f.Signal, Count: f.Count, Items: f.Items, Text: f.Text,
			FirstTime: timestamppb.New(f.First), LastTime: timestamppb.New(f.Last),
		})
	}
	return out, nil
}
