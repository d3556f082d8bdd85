package ingestion

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/grpc"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
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
		done := st.done.Load() // before accepted, which it never passes
		handed := max(done, st.handed.Load())
		stats := st.log.Stats()
		l := &ingestionv1.SignalLedger{
			Signal: handoffv1.Signal(st.signal) + 1, Accepted: stats.Total, Done: done, Backlog: stats.Total - handed,
			Requests: st.requests.Load(), WalBytes: uint64(stats.Bytes),
		}
		st.mu.Lock()
		for _, reason := range slices.Sorted(maps.Keys(st.refused)) {
			l.Refused = append(l.Refused, &ingestionv1.RefusedCount{Reason: reason, Items: st.refused[reason]})
		}
		st.mu.Unlock()
		out.Signals = append(out.Signals, l)
	}
	return out, nil
}
