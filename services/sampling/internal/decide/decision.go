package decide

import (
	"time"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/threshold"
)

// Proposal is a decision that somebody would like to be taken.
type Proposal struct {
	Trace id.Trace
	// Keep is the verdict.
	Keep bool
	// Matched tells that a policy matched; without, Threshold means nothing and Policy is empty.
	Matched bool
	// Threshold is the outgoing one.
	Threshold threshold.Threshold
	// Policy names the policy that set the threshold.
	Policy string
	// Reason is a sentence. It should be one of a few: each different one is stored once.
	Reason string
	// Epoch of the policy set that it was judged by.
	Epoch uint64
}

// Decision is what was decided about a trace.
type Decision struct {
	Trace     id.Trace
	Keep      bool
	Matched   bool
	Threshold threshold.Threshold
	// Time is the proposing leader's clock.
	Time time.Time
	// Cause must not be changed.
	Cause *Cause
}

// Cause is what many decisions have in common.
type Cause struct {
	Policy string
	Reason string
	Epoch  uint64
	// Term of the leader that proposed.
	Term uint64
}

// Policies is a policy set as the log holds it. The zero value stands for the time before the first set.
type Policies struct {
	// Epoch numbers the sets, from 1.
	Epoch uint64
	// Etag is to be named by the change that replaces the set.
	Etag string
	// Time is the proposing leader's clock.
	Time time.Time
	// Set is the encoded set, for whom the state machine keeps it. It must not be changed.
	Set []byte
}

// Answer is the binding decision for one proposal.
type Answer struct {
	Decision
	// Fresh tells that this proposal won.
	Fresh bool
}

// Result is what a command did.
type Result struct {
	// Answers has one for each proposal of a batch, in their order.
	Answers []Answer
	// Policies is the set in force after a change of policies.
	Policies Policies
	// Stale tells that the change named an etag that was not current, so that nothing changed.
	Stale bool
}

const (
	keptBit       = 1 << 63
	matchedBit    = 1 << 62
	thresholdMask = 1<<56 - 1
)

// bits packs verdict and threshold.
func (p Proposal) bits() uint64 {
	if !p.Matched {
		return 0
	}
	b := matchedBit | uint64(p.Threshold)&thresholdMask
	if p.Keep {
		b |= keptBit
	}
	return b
}
