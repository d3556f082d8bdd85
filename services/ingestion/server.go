package ingestion

import (
	"context"

	"google.golang.org/grpc"

	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

type server struct {
	ingestionv1.UnimplementedIngestionServiceServer
	s *Service
}

// Register adds the IngestionService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	ingestionv1.RegisterIngestionServiceServer(r, &server{s: s})
}

func (v *server) GetLedger(context.Context, *ingestionv1.GetLedgerRequest) (*ingestionv1.GetLedgerResponse, error) {
	out := &ingestionv1.GetLedgerResponse{}
	for _, st := range v.s.streams {
		out.Signals = append(out.Signals, st.ledger())
	}
	return out, nil
}
