package remediation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
	"github.com/triflow/triflow/services/remediation/internal/plan"
)

// lapse is how long after its expiry an approved plan may still begin a step.
const lapse = 10 * time.Minute

// execute runs approved plans, one at a time in the order of their ids, until ctx ends. It begins with those that an
// earlier run left.
func (s *Service) execute(ctx context.Context) {
	for {
		for _, p := range s.all() {
			if p.GetState() != plan.Approved && p.GetState() != plan.Running {
				continue
			}
			if err := s.run(ctx, p); err != nil && ctx.Err() == nil {
				s.deps.Log.Error("plan stopped", "remediation", p.GetId(), "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
	}
}

// run does the steps of a plan that are not done. An error means that the trail could not be written or ctx
// ended; a step that fails ends the plan as FAILED and is no error here.
func (s *Service) run(ctx context.Context, p *remediationv1.Remediation) error {
	for i := range p.GetSteps() {
		if step := p.GetSteps()[i]; step.GetResult() == "" && step.GetError() == "" {
			var err error
			if p, err = s.step(ctx, p, i); err != nil {
				return err
			}
		}
		if message := p.GetSteps()[i].GetError(); message != "" {
			_, err := s.record(p.GetId(), event{name: "failed", actor: self, detail: fmt.Sprintf("step %d: %s", i+1, message)})
			return err
		}
	}
	_, err := s.record(p.GetId(), event{name: "succeeded", actor: self, detail: fmt.Sprintf("%d steps done", len(p.GetSteps()))})
	return err
}

// step does step i. That it starts is on disk before it does. An end of ctx is no outcome: the step stays open, and the
// next start does it again under the same key.
func (s *Service) step(ctx context.Context, p *remediationv1.Remediation, i int) (*remediationv1.Remediation, error) {
	step := p.GetSteps()[i]
	p, err := s.record(p.GetId(), event{name: "step_started", actor: self, detail: fmt.Sprintf("step %d: %s", i+1, step.GetDryRun())})
	if err != nil {
		return nil, err
	}
	result, failure := s.do(ctx, call{plan: p, index: i})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	outcome := event{name: "step_succeeded", actor: self, detail: fmt.Sprintf("step %d: %s", i+1, result)}
	outcome.change = func(next *remediationv1.Remediation) { next.Steps[i].Result = clip(result, maxDetail) }
	if failure != nil {
		outcome.name, outcome.detail = "step_failed", fmt.Sprintf("step %d: %v", i+1, failure)
		outcome.change = func(next *remediationv1.Remediation) { next.Steps[i].Error = clip(failure.Error(), maxDetail) }
	}
	s.metrics.steps.Add(ctx, 1, metric.WithAttributes(
		attribute.String("kind", step.GetKind().String()), attribute.String("event", outcome.name)))
	return s.record(p.GetId(), outcome)
}

// do runs the action of a step within its time. A plan that was left behind by a crash long ago is not taken up.
func (s *Service) do(ctx context.Context, c call) (string, error) {
	if s.deps.Now().After(c.plan.GetExpireTime().AsTime().Add(lapse)) {
		return "", errors.New("the approval has lapsed before this step")
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StepTimeout)
	defer cancel()
	return s.actions[c.plan.GetSteps()[c.index].GetKind()].Do(ctx, c)
}
