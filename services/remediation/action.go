package remediation

import (
	"context"
	"fmt"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

// action is one kind of step. Do may be called again for the same call after a crash, and must then change nothing more.
type action interface {
	// DryRun says in a sentence what Do would do; it changes nothing. An error says why it could not be done.
	DryRun(ctx context.Context, c call) (string, error)
	// Do does it and says in a sentence what it did. It is bounded by ctx.
	Do(ctx context.Context, c call) (string, error)
}

// call is a step of a plan.
type call struct {
	plan  *remediationv1.Remediation // not to be changed
	index int
}

func (c call) parameters() map[string]string { return c.plan.GetSteps()[c.index].GetParameters() }

// key names the step for ever, so that doing it twice can be told from doing two things.
func (c call) key() string { return fmt.Sprintf("%s/%d", c.plan.GetId(), c.index+1) }
