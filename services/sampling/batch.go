package sampling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/triflow/triflow/pkg/id"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/sampling/internal/decide"
	"github.com/triflow/triflow/services/sampling/internal/policy"
)

const (
	committers     = 4    // entries under way at a time
	batchTraces    = 1000 // a committer adds asks to its entry up to here
	queuedAsks     = 256  // further ones wait
	enqueueTimeout = time.Second
)

var (
	errNotLeader = errors.New("this voter does not lead")
	errStopped   = errors.New("this voter has stopped")
	errStale     = errors.New("the etag is not the current one")
)

// ask is what one call wants decided. done has room for the one reply, so that nobody waits for a caller that left.
type ask struct {
	proposals []decide.Proposal
	done      chan reply
}

type reply struct {
	answers []decide.Answer
	err     error
}

// decide answers for every trace, in their order, once all of them are decided. Only the leader can; others get
// errNotLeader. After another error some may have been decided, and asking again gives these.
func (s *Service) decide(ctx context.Context, facts []policy.Facts) ([]decide.Decision, error) {
	if !s.leads() {
		return nil, errNotLeader
	}
	decisions, missing := s.machine.find(traces(facts))
	if missing == 0 {
		return decisions, nil
	}
	now, rules := s.deps.Now(), s.machine.rulesNow()
	a := ask{make([]decide.Proposal, 0, missing), make(chan reply, 1)}
	var places []int
	for i, f := range facts {
		if decisions[i].Cause == nil {
			o := rules.set.Evaluate(f, now)
			a.proposals = append(a.proposals, decide.Proposal{
				Trace: f.Trace, Keep: o.Keep, Matched: o.Matched, Threshold: o.Threshold,
				Policy: o.Policy, Reason: o.Reason, Epoch: rules.epoch,
			})
			places = append(places, i)
		}
	}
	got, err := s.agree(ctx, a)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		decisions[place] = got[i].Decision
	}
	return decisions, nil
}

// agree waits for room in the queue and for the reply, until ctx ends.
func (s *Service) agree(ctx context.Context, a ask) ([]decide.Answer, error) {
	select {
	case s.asks <- a:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.stopped:
		return nil, errStopped
	}
	select {
	case r := <-a.done:
		return r.answers, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.stopped:
		return nil, errStopped
	}
}

// commit makes entries of asks until ctx ends. An ask that comes while a committer is free goes at once; those that
// come while all are busy share the next entry. So entries grow with the load, and nothing waits for a clock.
func (s *Service) commit(ctx context.Context, node *raft.Raft) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-s.asks:
			s.propose(ctx, node, s.gather(first))
		}
	}
}

func (s *Service) gather(first ask) []ask {
	asks, n := []ask{first}, len(first.proposals)
	for n < batchTraces {
		select {
		case next := <-s.asks:
			asks, n = append(asks, next), n+len(next.proposals)
		default:
			return asks
		}
	}
	return asks
}

func (s *Service) propose(ctx context.Context, node *raft.Raft, asks []ask) {
	var all []decide.Proposal
	for _, a := range asks {
		all = append(all, a.proposals...)
	}
	start := s.deps.Now()
	result, err := apply(node, decide.EncodeBatch(start, all))
	if err == nil && len(result.Answers) != len(all) {
		err = fmt.Errorf("%d answers to %d proposals", len(result.Answers), len(all))
	}
	if err == nil {
		s.metrics.committed(ctx, result.Answers, s.deps.Now().Sub(start))
	}
	for _, a := range asks {
		if err != nil {
			a.done <- reply{err: err}
			continue
		}
		n := len(a.proposals)
		a.done <- reply{answers: result.Answers[:n:n]}
		result.Answers = result.Answers[n:]
	}
}

// apply returns when the command is committed and applied here, or when this voter cannot say that it ever will be.
func apply(node *raft.Raft, command []byte) (decide.Result, error) {
	f := node.Apply(command, enqueueTimeout)
	if err := f.Error(); err != nil {
		return decide.Result{}, err
	}
	done, is := f.Response().(applied)
	if !is {
		return decide.Result{}, fmt.Errorf("machine answered with a %T", f.Response())
	}
	return done.Result, done.err
}

func traces(facts []policy.Facts) []id.Trace {
	ids := make([]id.Trace, len(facts))
	for i, f := range facts {
		ids[i] = f.Trace
	}
	return ids
}

// update replaces the policies if etag names those in force, and gives those that are in force then.
func (s *Service) update(etag string, set *samplingv1.PolicySet) (decide.Policies, error) {
	if !s.leads() {
		return decide.Policies{}, errNotLeader
	}
	encoded, err := encodeSet(set)
	if err != nil {
		return decide.Policies{}, fmt.Errorf("encode policies: %w", err)
	}
	result, err := apply(s.node.Load(), decide.EncodePolicies(s.deps.Now(), etag, encoded))
	if err == nil && result.Stale {
		err = errStale
	}
	return result.Policies, err
}
