package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/rpc"
	"github.com/triflow/triflow/pkg/table"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
)

const defaultPage, maxPage = 50, 200

type server struct {
	diagnosisv1.UnimplementedDiagnosisServiceServer
	s *Service
}

// Register adds the DiagnosisService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	diagnosisv1.RegisterDiagnosisServiceServer(r, &server{s: s})
}

func (v *server) ListIncidents(_ context.Context, in *diagnosisv1.ListIncidentsRequest) (*diagnosisv1.ListIncidentsResponse, error) {
	var faults rpc.Violations
	size, err := page.Size(in.GetPageSize(), defaultPage, maxPage)
	faults.Check("page_size", err)
	before, err := page.Decode(in, in.GetPageToken())
	faults.Check("page_token", err)
	if _, known := diagnosisv1.IncidentState_name[int32(in.GetState())]; !known {
		faults.Add("state", fmt.Sprintf("%d, want an IncidentState", in.GetState()))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	rows, next, err := v.s.table.List(before, size, func(i *diagnosisv1.Incident) bool {
		return (in.GetState() == 0 || i.GetState() == in.GetState()) &&
			(in.GetService() == "" || slices.Contains(i.GetServices(), in.GetService()))
	})
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	for _, row := range rows {
		row.Anomalies = nil
		for _, c := range row.GetCauses() {
			c.Evidence = nil
		}
	}
	return &diagnosisv1.ListIncidentsResponse{Incidents: rows, NextPageToken: page.Encode(in, next)}, nil
}

func (v *server) GetIncident(_ context.Context, in *diagnosisv1.GetIncidentRequest) (*diagnosisv1.GetIncidentResponse, error) {
	row, err := v.s.table.Get(in.GetId())
	if errors.Is(err, table.ErrNotFound) {
		return nil, rpc.NotFound("incident", in.GetId())
	}
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &diagnosisv1.GetIncidentResponse{Incident: row}, nil
}

func (v *server) ListServiceStates(context.Context, *diagnosisv1.ListServiceStatesRequest) (*diagnosisv1.ListServiceStatesResponse, error) {
	return &diagnosisv1.ListServiceStatesResponse{States: v.s.states()}, nil
}
