package remediation

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/page"
	"github.com/triflow/triflow/pkg/rpc"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	"github.com/triflow/triflow/services/remediation/internal/plan"
)

const (
	defaultPage = 50
	maxPage     = 200
	maxApprover = 128
	maxReason   = 1024
)

type server struct {
	remediationv1.UnimplementedRemediationServiceServer
	s *Service
}

// Register adds the RemediationService to r.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	remediationv1.RegisterRemediationServiceServer(r, &server{s: s})
}

func (v *server) ListRemediations(_ context.Context, in *remediationv1.ListRemediationsRequest) (*remediationv1.ListRemediationsResponse, error) {
	var faults rpc.Violations
	size, err := page.Size(in.GetPageSize(), defaultPage, maxPage)
	faults.Check("page_size", err)
	before, err := page.Decode(in, in.GetPageToken())
	faults.Check("page_token", err)
	if _, known := remediationv1.RemediationState_name[int32(in.GetState())]; !known {
		faults.Add("state", fmt.Sprintf("%d, want a RemediationState", in.GetState()))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	rows, next, err := v.s.table.List(before, size, func(p *remediationv1.Remediation) bool {
		return (in.GetIncidentId() == "" || p.GetIncidentId() == in.GetIncidentId()) &&
			(in.GetState() == 0 || p.GetState() == in.GetState())
	})
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &remediationv1.ListRemediationsResponse{Remediations: rows, NextPageToken: page.Encode(in, next)}, nil
}

func (v *server) GetRemediation(_ context.Context, in *remediationv1.GetRemediationRequest) (*remediationv1.GetRemediationResponse, error) {
	v.s.mu.Lock()
	p := v.s.plans[in.GetId()]
	v.s.mu.Unlock()
	if p == nil {
		return nil, rpc.NotFound("remediation", in.GetId())
	}
	return &remediationv1.GetRemediationResponse{Remediation: p, Audit: v.s.audit.Of(in.GetId())}, nil
}

func (v *server) ApproveRemediation(_ context.Context, in *remediationv1.ApproveRemediationRequest) (*remediationv1.ApproveRemediationResponse, error) {
	var faults rpc.Violations
	faults.Check("approver", approver(in.GetApprover()))
	if in.GetPlanHash() == "" {
		faults.Add("plan_hash", "empty, want the plan_hash of the plan as it was read")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	p, err := v.s.approve(in)
	if err != nil {
		return nil, decisionError(in.GetId(), err)
	}
	return &remediationv1.ApproveRemediationResponse{Remediation: p}, nil
}

func (v *server) RejectRemediation(_ context.Context, in *remediationv1.RejectRemediationRequest) (*remediationv1.RejectRemediationResponse, error) {
	var faults rpc.Violations
	faults.Check("approver", approver(in.GetApprover()))
	if len(in.GetReason()) > maxReason {
		faults.Add("reason", fmt.Sprintf("%d bytes, want at most %d", len(in.GetReason()), maxReason))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	p, err := v.s.record(in.GetId(), event{
		name: "rejected", actor: in.GetApprover(), detail: in.GetReason(),
		change: func(next *remediationv1.Remediation) { next.DecidedBy = in.GetApprover() },
	})
	if err != nil {
		return nil, decisionError(in.GetId(), err)
	}
	return &remediationv1.RejectRemediationResponse{Remediation: p}, nil
}

// approve lets a plan run, in one critical section from the look at its state to the stored decision.
func (s *Service) approve(in *remediationv1.ApproveRemediationRequest) (*remediationv1.Remediation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.plans[in.GetId()]
	switch {
	case p == nil:
		return nil, errNoPlan
	case p.GetState() != plan.Proposed:
		return nil, plan.Move(p.GetState(), plan.Approved)
	case subtle.ConstantTimeCompare([]byte(p.GetPlanHash()), []byte(in.GetPlanHash())) != 1,
		plan.Hash(p.GetSteps()) != p.GetPlanHash():
		return nil, fmt.Errorf("plan is PROPOSED, but its hash is %s and not the one approved; read it again", p.GetPlanHash())
	case !s.deps.Now().Before(p.GetExpireTime().AsTime()):
		detail := fmt.Sprintf("nobody approved within %v", s.cfg.ApprovalTime)
		if _, err := s.recordLocked(p.GetId(), event{name: "expired", actor: self, detail: detail}); err != nil {
			return nil, err
		}
		return nil, plan.Move(plan.Expired, plan.Approved)
	}
	next, err := s.recordLocked(p.GetId(), event{
		name: "approved", actor: in.GetApprover(), detail: "plan " + p.GetPlanHash(),
		change: func(next *remediationv1.Remediation) { next.DecidedBy = in.GetApprover() },
	})
	if err != nil {
		return nil, err
	}
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
	return next, nil
}

func decisionError(id string, err error) error {
	if errors.Is(err, errNoPlan) {
		return rpc.NotFound("remediation", id)
	}
	return status.Error(codes.FailedPrecondition, err.Error())
}

func approver(name string) error {
	if name == "" || len(name) > maxApprover {
		return fmt.Errorf("%d bytes, want 1 to %d", len(name), maxApprover)
	}
	return nil
}
