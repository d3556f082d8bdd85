package assembly

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/rpc"
)

// Register adds AssemblyService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	assemblyv1.RegisterAssemblyServiceServer(r, &server{service: s})
}

// server maps the contract to the service.
type server struct {
	assemblyv1.UnimplementedAssemblyServiceServer
	service *Service
}

// lookTimeout bounds the question whether a trace that is not here was dropped.
const lookTimeout = 2 * time.Second

func (v *server) SearchTraces(_ context.Context, req *assemblyv1.SearchTracesRequest) (*assemblyv1.SearchTracesResponse, error) {
	q, err := query(req)
	if err != nil {
		return nil, err
	}
	found, err := v.service.store.Search(q)
	if err != nil {
		return nil, failure(err)
	}
	resp := &assemblyv1.SearchTracesResponse{NextPageToken: page.Encode(req, found.Cursor)}
	for _, row := range found.Rows {
		resp.Traces = append(resp.Traces, row.Summary)
	}
	return resp, nil
}

// query checks a search, and tells all that is wrong with it at once.
func query(req *assemblyv1.SearchTracesRequest) (Query, error) {
	q := Query{
		Service: req.GetService(), Operation: req.GetOperation(), Status: req.GetStatus(),
		MinDuration: req.GetMinDuration().AsDuration(), MaxDuration: req.GetMaxDuration().AsDuration(),
	}
	var faults rpc.Violations
	var err error
	q.Limit, err = page.Size(req.GetPageSize(), 20, 200)
	faults.Check("page_size", err)
	q.Cursor, err = page.Decode(req, req.GetPageToken())
	faults.Check("page_token", err)
	q.From = bound(&faults, "start_time", req.GetStartTime())
	q.Until = bound(&faults, "end_time", req.GetEndTime())
	if !q.From.IsZero() && !q.Until.IsZero() && !q.From.Before(q.Until) {
		faults.Add("end_time", fmt.Sprintf("%s, want after start_time", q.Until.Format(time.RFC3339Nano)))
	}
	if q.MinDuration < 0 {
		faults.Add("min_duration", fmt.Sprintf("%v, want at least 0s", q.MinDuration))
	}
	if q.MaxDuration < 0 || q.MaxDuration > 0 && q.MaxDuration < q.MinDuration {
		faults.Add("max_duration", fmt.Sprintf("%v, want at least min_duration", q.MaxDuration))
	}
	if _, ok := assemblyv1.StatusFilter_name[int32(q.Status)]; !ok {
		faults.Add("status", fmt.Sprintf("%d, want OK or ERROR", q.Status))
	}
	if n := len(req.GetAttribute()); n > 10 {
		faults.Add("attribute", fmt.Sprintf("%d of them, want at most 10", n))
	}
	for i, a := range req.GetAttribute() {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" {
			faults.Add(fmt.Sprintf("attribute[%d]", i), fmt.Sprintf("%q, want key=value", a))
		}
		q.Attributes = append(q.Attributes, Attribute{key, value})
	}
	return q, faults.Err()
}

// bound reads a time that may be unset.
func bound(faults *rpc.Violations, field string, t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	if err := t.CheckValid(); err != nil {
		faults.Add(field, err.Error())
		return time.Time{}
	}
	return t.AsTime()
}

func (v *server) GetTrace(ctx context.Context, req *assemblyv1.GetTraceRequest) (*assemblyv1.GetTraceResponse, error) {
	r, err := v.read(ctx, req.GetTraceId())
	if err != nil {
		return nil, err
	}
	spans, err := r.resourceSpans()
	if err != nil {
		return nil, failure(err)
	}
	return &assemblyv1.GetTraceResponse{
		Summary: r.row.Summary, ResourceSpans: spans, Findings: r.findings(),
		SpanNotes: r.notes(), Cycles: r.cycles(), MissingParentIds: r.missing(), Anomalies: r.anomalies(),
	}, nil
}

func (v *server) GetCriticalPath(ctx context.Context, req *assemblyv1.GetCriticalPathRequest) (*assemblyv1.GetCriticalPathResponse, error) {
	r, err := v.read(ctx, req.GetTraceId())
	if err != nil {
		return nil, err
	}
	return r.criticalPath(), nil
}

// read gives the trace of an id in hex.
func (v *server) read(ctx context.Context, hex string) (*reading, error) {
	t, err := id.ParseTrace(hex)
	if err != nil {
		return nil, rpc.InvalidArgument("trace_id", err.Error())
	}
	r, err := v.service.read(t)
	if errors.Is(err, ErrNotFound) {
		return nil, v.absent(ctx, t)
	}
	if err != nil {
		return nil, failure(err)
	}
	return r, nil
}

// absent says why a trace is not here, as far as sampling knows.
func (v *server) absent(ctx context.Context, t id.Trace) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	resp, err := v.service.deps.Sampling.BatchGetDecisions(ctx, &samplingv1.BatchGetDecisionsRequest{TraceIds: []string{t.String()}})
	if err != nil {
		return status.Errorf(codes.NotFound, "trace %s is not stored; whether it was dropped cannot be told now", t)
	}
	for _, d := range resp.GetDecisions() {
		switch d.GetVerdict() {
		case samplingv1.Verdict_VERDICT_DROP:
			return status.Errorf(codes.NotFound, "trace %s was dropped: %s", t, d.GetReason())
		case samplingv1.Verdict_VERDICT_KEEP:
			return status.Errorf(codes.NotFound, "trace %s was kept, and deleted since for its age or for room", t)
		}
	}
	return status.Errorf(codes.NotFound, "trace %s was never seen", t)
}

func (v *server) GetLedger(context.Context, *assemblyv1.GetLedgerRequest) (*assemblyv1.GetLedgerResponse, error) {
	return v.service.ledger(), nil
}

// failure is the answer to a fault that is not the caller's.
func failure(err error) error {
	if errors.Is(err, errClosed) {
		return rpc.Unavailable(time.Second, "assembly is stopping")
	}
	return status.Error(codes.Internal, err.Error())
}
