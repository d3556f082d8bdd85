package ingestion

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/rpc"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

type witnessServer struct {
	ingestionv1.UnimplementedWitnessServiceServer
	s *Service
}

func (v *witnessServer) Compare(ctx context.Context, req *ingestionv1.CompareRequest) (*ingestionv1.CompareResponse, error) {
	n := v.s.notary
	if n == nil {
		return nil, status.Error(codes.PermissionDenied, "no other collector is known here: ingestion.witness_peers is not set")
	}
	if came := len(req.GetReceipts()); came > mostShown {
		return nil, rpc.InvalidArgument("receipts", fmt.Sprintf("%d, want at most %d", came, mostShown))
	}
	receipts, err := readReceipts(req.GetReceipts())
	if err != nil {
		return nil, err
	}
	against, err := n.compare(ctx, peerOf(ctx), receipts)
	var no *witness.RefusedError
	switch {
	case errors.As(err, &no):
		return nil, status.Error(codes.PermissionDenied, err.Error())
	case err != nil:
		return nil, status.FromContextError(err).Err()
	}
	out := &ingestionv1.CompareResponse{}
	for _, r := range against {
		out.Contradictions = append(out.Contradictions, r.Proto())
	}
	return out, nil
}

// readReceipts takes receipts from the wire; the error is INVALID_ARGUMENT and names each that cannot be one.
func readReceipts(in []*ingestionv1.Receipt) ([]witness.Receipt, error) {
	var faults rpc.Violations
	out := make([]witness.Receipt, len(in))
	for i, m := range in {
		var err error
		out[i], err = witness.Read(m)
		faults.Check(fmt.Sprintf("receipts[%d]", i), err)
	}
	return out, faults.Err()
}

// isFinal tells that a peer gave an answer which the same receipts would get again.
func isFinal(err error) bool {
	switch status.Code(err) {
	case codes.PermissionDenied, codes.InvalidArgument, codes.Unimplemented, codes.Unauthenticated:
		return true
	default:
		return false
	}
}
