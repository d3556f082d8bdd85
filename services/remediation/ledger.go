package remediation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/protobuf/types/known/timestamppb"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	"github.com/triflow/triflow/services/remediation/internal/plan"
)

// maxDetail bounds what an audit entry and a step say, in bytes.
const maxDetail = 2 << 10

// errNoPlan says that there is no plan with the id.
var errNoPlan = errors.New("no such plan")

// event is a change of a plan, and what the audit trail says of it.
type event struct {
	name   string
	actor  string
	detail string
	// change makes the change in a copy of the plan; nil: only the state of the event's name.
	change func(*remediationv1.Remediation)
}

// record writes an event: first the audit trail, then the plan in the state that the event leads to. The move must be
// legal. It gives the plan as it is now.
func (s *Service) record(id string, e event) (*remediationv1.Remediation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recordLocked(id, e)
}

func (s *Service) recordLocked(id string, e event) (*remediationv1.Remediation, error) {
	p := s.plans[id]
	if p == nil {
		return nil, errNoPlan
	}
	to, known := plan.AfterEvent(e.name)
	if !known {
		return nil, fmt.Errorf("event %q is not known", e.name)
	}
	if to != plan.Running || p.GetState() != plan.Running { // steps follow each other within RUNNING
		if err := plan.Move(p.GetState(), to); err != nil {
			return nil, err
		}
	}
	next := clone(p)
	if e.change != nil {
		e.change(next)
	}
	return next, s.store(next, to, e)
}

// store appends the event and puts the plan in state to. The caller holds mu.
func (s *Service) store(next *remediationv1.Remediation, to remediationv1.RemediationState, e event) error {
	now := s.deps.Now()
	if err := s.audit.Append(now, next.GetId(), e.name, e.actor, clip(e.detail, maxDetail)); err != nil {
		return err
	}
	if to != next.GetState() {
		s.metrics.plans.Add(context.Background(), 1, metric.WithAttributes(attribute.String("state", plan.Name(to))))
	}
	next.State = to
	next.UpdateTime = timestamppb.New(now)
	return s.put(next)
}

// put stores a plan and drops the oldest beyond the limit from memory, as the table does. The caller holds mu or is New.
func (s *Service) put(p *remediationv1.Remediation) error {
	if err := s.table.Put(p.GetId(), p); err != nil {
		// The trail is ahead of the plans now; the next start puts that right.
		s.audit.Break(err)
		return err
	}
	s.plans[p.GetId()] = p
	for len(s.plans) > maxPlans {
		oldest := p.GetId()
		for id := range s.plans {
			oldest = min(oldest, id)
		}
		delete(s.plans, oldest)
		s.audit.Forget(oldest)
	}
	if s.deps.OnChange != nil {
		s.deps.OnChange("remediation", p.GetId())
	}
	return nil
}

// all gives the plans, oldest first; they are not to be changed.
func (s *Service) all() []*remediationv1.Remediation {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*remediationv1.Remediation, 0, len(s.plans))
	for _, p := range s.plans {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *remediationv1.Remediation) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return out
}

// reconcile loads the plans and brings them to where the audit trail says they had come. A plan that is ahead of
// the trail means that the trail has lost its end: then the trail is broken.
func (s *Service) reconcile() error {
	rows, _, err := s.table.List("", maxPlans, nil)
	if err != nil {
		return fmt.Errorf("load plans: %w", err)
	}
	for _, p := range rows {
		s.plans[p.GetId()] = p
	}
	if s.audit.Broken() == nil {
		for _, p := range rows {
			if err := s.follow(p); err != nil {
				return err
			}
		}
	}
	if err := s.audit.Broken(); err != nil {
		s.deps.Log.Error("audit trail is broken, nothing will be proposed or done", "error", err)
	}
	return nil
}

// follow brings one plan to the state of its last audit entry.
func (s *Service) follow(p *remediationv1.Remediation) error {
	entries := s.audit.Of(p.GetId())
	if len(entries) == 0 {
		s.audit.Break(fmt.Errorf("plan %s is not in it", p.GetId()))
		return nil
	}
	last := entries[len(entries)-1]
	state, known := plan.AfterEvent(last.GetEvent())
	if !known || !plan.Reached(state, p.GetState()) {
		s.audit.Break(fmt.Errorf("plan %s is %s, the last entry is %q", p.GetId(), plan.Name(p.GetState()), last.GetEvent()))
		return nil
	}
	if state == p.GetState() {
		return nil
	}
	next := clone(p)
	next.State = state
	next.UpdateTime = last.GetTime()
	for _, e := range entries {
		if e.GetEvent() == "approved" || e.GetEvent() == "rejected" {
			next.DecidedBy = e.GetActor()
		}
	}
	return s.put(next)
}

// clip cuts s to at most n bytes of valid UTF-8.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
