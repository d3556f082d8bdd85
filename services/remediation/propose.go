package remediation

import (
	"context"
	"errors"
	"fmt"
	"math"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	"github.com/triflow/triflow/services/remediation/internal/plan"
	"github.com/triflow/triflow/services/remediation/internal/playbook"
)

const (
	// patience is how many polls in a row must find another cause before a pending plan gives way to it: causes that
	// are nearly as probable change places with every new point.
	patience = 3
	// maxOpen is how many open incidents are looked at.
	maxOpen = 1000
)

// review is one look at the incidents: plans that are out of date expire, and new causes get a plan.
func (s *Service) review(ctx context.Context) error {
	if err := s.audit.Broken(); err != nil {
		return err
	}
	open, err := s.open(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range s.all() {
		if p.GetState() == plan.Proposed {
			errs = append(errs, s.expire(ctx, p, open[p.GetIncidentId()]))
		}
	}
	for incident := range s.moved {
		if open[incident] == nil {
			delete(s.moved, incident)
		}
	}
	for _, incident := range open {
		errs = append(errs, s.propose(ctx, incident))
	}
	return errors.Join(errs...)
}

// open gives the open incidents by id.
func (s *Service) open(ctx context.Context) (map[string]*diagnosisv1.Incident, error) {
	out := map[string]*diagnosisv1.Incident{}
	in := &diagnosisv1.ListIncidentsRequest{State: diagnosisv1.IncidentState_INCIDENT_STATE_OPEN, PageSize: 200}
	for len(out) < maxOpen {
		page, err := s.listPage(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, incident := range page.GetIncidents() {
			out[incident.GetId()] = incident
		}
		if in.PageToken = page.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	return out, nil
}

func (s *Service) listPage(ctx context.Context, in *diagnosisv1.ListIncidentsRequest) (*diagnosisv1.ListIncidentsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := s.deps.Diagnosis.ListIncidents(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("list open incidents: %w", err)
	}
	return out, nil
}

// expire ends a proposed plan that nobody approved in time, whose incident is over, or whose cause is another now.
// incident is nil when it is not among the open ones.
func (s *Service) expire(ctx context.Context, p *remediationv1.Remediation, incident *diagnosisv1.Incident) error {
	var reason string
	switch {
	case !s.deps.Now().Before(p.GetExpireTime().AsTime()):
		reason = fmt.Sprintf("nobody approved within %v", s.cfg.ApprovalTime)
	case incident == nil:
		over, err := s.over(ctx, p.GetIncidentId())
		if err != nil || !over {
			return err
		}
		reason = "the incident ended before anybody approved"
	default:
		top, _ := topCause(incident)
		if top == nil || top.GetService() == p.GetService() && top.GetKind() == p.GetCauseKind() {
			delete(s.moved, incident.GetId())
			return nil
		}
		if s.moved[incident.GetId()]++; s.moved[incident.GetId()] < patience {
			return nil
		}
		delete(s.moved, incident.GetId())
		reason = fmt.Sprintf("the most probable cause is now %s of %s", causeName(top.GetKind()), top.GetService())
	}
	_, err := s.record(p.GetId(), event{name: "expired", actor: self, detail: reason})
	if err != nil && errors.Is(err, ErrAudit) {
		return err
	}
	return nil // decided by a person meanwhile
}

// over asks about an incident that is not listed as open.
func (s *Service) over(ctx context.Context, incident string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := s.deps.Diagnosis.GetIncident(ctx, &diagnosisv1.GetIncidentRequest{Id: incident})
	if status.Code(err) == codes.NotFound {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("get incident %s: %w", incident, err)
	}
	return out.GetIncident().GetState() == diagnosisv1.IncidentState_INCIDENT_STATE_RESOLVED, nil
}

// propose makes a plan for the incident's top cause, if a playbook wants one and nothing stands against it.
func (s *Service) propose(ctx context.Context, incident *diagnosisv1.Incident) error {
	top, tied := topCause(incident)
	if top == nil {
		return nil
	}
	next := &remediationv1.Remediation{
		IncidentId: incident.GetId(), Service: top.GetService(), CauseKind: top.GetKind(), Confidence: top.GetConfidence(),
	}
	name, steps, err := s.book.Match(s.facts(incident, top, tied))
	if err != nil || len(steps) == 0 {
		return err
	}
	next.Playbook, next.Steps = name, steps
	plans := s.all()
	for _, p := range plans {
		if p.GetIncidentId() == incident.GetId() && !plan.Final(p.GetState()) {
			return nil // one at a time for an incident, whatever its cause looks like meanwhile
		}
	}
	now := s.deps.Now()
	if err := plan.MayPropose(plans, next, now, plan.Limits{Cooldown: s.cfg.Cooldown, Pending: s.cfg.MaxPending}); err != nil {
		s.deps.Log.Debug("no plan", "incident", incident.GetId(), "service", top.GetService(), "reason", err)
		return nil
	}
	next.Id = id.New(now, s.deps.Rand())
	next.PlanHash = plan.Hash(steps)
	next.CreateTime = timestamppb.New(now)
	next.ExpireTime = timestamppb.New(now.Add(s.cfg.ApprovalTime))
	s.dryRun(ctx, next)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(next, plan.Proposed, event{
		name: "proposed", actor: self,
		detail: fmt.Sprintf("playbook %s for %s of %s, plan %s", name, causeName(top.GetKind()), top.GetService(), next.GetPlanHash()),
	})
}

// dryRun fills in what each step would do.
func (s *Service) dryRun(ctx context.Context, p *remediationv1.Remediation) {
	for i, step := range p.GetSteps() {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		text, err := s.actions[step.GetKind()].DryRun(ctx, call{plan: p, index: i})
		cancel()
		step.DryRun = clip(text, maxDetail)
		if err != nil {
			step.DryRunError = clip(err.Error(), maxDetail)
		}
	}
}

func (s *Service) facts(incident *diagnosisv1.Incident, top *diagnosisv1.Cause, tied bool) playbook.Facts {
	return playbook.Facts{
		Cause: playbook.Cause{
			Service: top.GetService(), Kind: causeName(top.GetKind()),
			Confidence: top.GetConfidence(), Explanation: top.GetExplanation(),
		},
		Incident: playbook.Incident{
			ID: incident.GetId(), Title: incident.GetTitle(), Services: incident.GetServices(), Start: incident.GetStartTime().AsTime(),
		},
		WebhookURL: s.cfg.WebhookURL,
		Tied:       tied,
	}
}

// topCause gives the most probable cause, nil for none, and whether another is as probable.
func topCause(incident *diagnosisv1.Incident) (top *diagnosisv1.Cause, tied bool) {
	causes := incident.GetCauses()
	if len(causes) == 0 {
		return nil, false
	}
	return causes[0], len(causes) > 1 && math.Abs(causes[0].GetConfidence()-causes[1].GetConfidence()) < 1e-9
}
