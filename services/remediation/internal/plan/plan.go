// Package plan holds the rules of a plan's life: its states, what approval is bound to, and when one may be proposed.
//
//	PROPOSED ─► APPROVED ─► RUNNING ─► SUCCEEDED
//	   │                       └─────► FAILED
//	   ├─► REJECTED
//	   └─► EXPIRED
//
// The package is pure: it reads no clock and does no I/O.
package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

// The states by short names.
const (
	Proposed  = remediationv1.RemediationState_REMEDIATION_STATE_PROPOSED
	Approved  = remediationv1.RemediationState_REMEDIATION_STATE_APPROVED
	Running   = remediationv1.RemediationState_REMEDIATION_STATE_RUNNING
	Succeeded = remediationv1.RemediationState_REMEDIATION_STATE_SUCCEEDED
	Failed    = remediationv1.RemediationState_REMEDIATION_STATE_FAILED
	Rejected  = remediationv1.RemediationState_REMEDIATION_STATE_REJECTED
	Expired   = remediationv1.RemediationState_REMEDIATION_STATE_EXPIRED
)

// Final tells that a plan in this state never changes again.
func Final(s remediationv1.RemediationState) bool {
	return s == Succeeded || s == Failed || s == Rejected || s == Expired
}

// Name gives a state as people write it.
func Name(s remediationv1.RemediationState) string {
	return strings.TrimPrefix(s.String(), "REMEDIATION_STATE_")
}

// Move checks the step from one state to another.
func Move(from, to remediationv1.RemediationState) error {
	legal := false
	switch from {
	case Proposed:
		legal = to == Approved || to == Rejected || to == Expired
	case Approved:
		legal = to == Running
	case Running:
		legal = to == Succeeded || to == Failed
	}
	if !legal {
		return fmt.Errorf("plan is %s, cannot become %s", Name(from), Name(to))
	}
	return nil
}

// AfterEvent gives the state that an audit event leaves a plan in; false for an event that is not known.
func AfterEvent(event string) (remediationv1.RemediationState, bool) {
	switch event {
	case "proposed":
		return Proposed, true
	case "approved":
		return Approved, true
	case "step_started", "step_succeeded", "step_failed":
		return Running, true
	case "succeeded":
		return Succeeded, true
	case "failed":
		return Failed, true
	case "rejected":
		return Rejected, true
	case "expired":
		return Expired, true
	}
	return 0, false
}

// Reached tells that a plan whose last event left it in the state known may stand in the state found: an event is
// recorded before the plan is stored, so the record is never behind.
func Reached(known, found remediationv1.RemediationState) bool {
	return known == found || progress(found) < progress(known)
}

func progress(s remediationv1.RemediationState) int {
	switch s {
	case Proposed:
		return 1
	case Approved:
		return 2
	case Running:
		return 3
	case Succeeded, Failed, Rejected, Expired:
		return 4
	}
	return 0
}

// Hash is the SHA-256 over the kinds and parameters of the steps in order, hex. Every part is preceded by its length,
// so no two plans share the bytes that are hashed.
func Hash(steps []*remediationv1.Step) string {
	h := sha256.New()
	write := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	for _, s := range steps {
		write(s.GetKind().String())
		keys := slices.Sorted(maps.Keys(s.GetParameters()))
		write(fmt.Sprint(len(keys)))
		for _, k := range keys {
			write(k)
			write(s.GetParameters()[k])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Limits bounds what is proposed.
type Limits struct {
	// Cooldown is how long a service is left alone after a plan for it has ended.
	Cooldown time.Duration
	// Pending is the most plans that are not final; more at once is a storm, and people have enough to read.
	Pending int
}

// MayPropose is nil when next may be proposed beside the plans there are, else it says why not:
// one plan for each incident, service and playbook; one at a time for a service, and then a pause; not too many at once.
//
// A plan that expired because the cause had moved away does not count against the same incident, once the pause is over.
func MayPropose(plans []*remediationv1.Remediation, next *remediationv1.Remediation, now time.Time, limits Limits) error {
	pending := 0
	for _, p := range plans {
		if !Final(p.GetState()) {
			pending++
		}
		same := p.GetIncidentId() == next.GetIncidentId()
		resting := now.Sub(p.GetUpdateTime().AsTime()) < limits.Cooldown
		switch {
		case p.GetService() != next.GetService():
		case !Final(p.GetState()):
			return fmt.Errorf("plan %s for %s is %s", p.GetId(), p.GetService(), Name(p.GetState()))
		case same && p.GetState() == Expired && p.GetCauseKind() != next.GetCauseKind():
		case resting:
			return fmt.Errorf("plan %s for %s ended less than %v ago", p.GetId(), p.GetService(), limits.Cooldown)
		case same && p.GetPlaybook() == next.GetPlaybook() && !movedAway(plans, p):
			return fmt.Errorf("plan %s was for the same incident, service and playbook", p.GetId())
		}
	}
	if pending >= limits.Pending {
		return fmt.Errorf("%d plans are pending, want fewer than %d: too much is wrong at once for single plans", pending, limits.Pending)
	}
	return nil
}

// movedAway tells that p expired because a later plan of its incident took its place.
func movedAway(plans []*remediationv1.Remediation, p *remediationv1.Remediation) bool {
	return p.GetState() == Expired && slices.ContainsFunc(plans, func(q *remediationv1.Remediation) bool {
		return q.GetIncidentId() == p.GetIncidentId() && q.GetId() > p.GetId()
	})
}
