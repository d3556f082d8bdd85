package remediation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
	"github.com/triflow/triflow/services/remediation/internal/playbook"
)

// policies is the part of the sampling service that a boost needs.
type policies interface {
	GetPolicySet(ctx context.Context, in *samplingv1.GetPolicySetRequest, opts ...grpc.CallOption) (*samplingv1.GetPolicySetResponse, error)
	UpdatePolicySet(ctx context.Context, in *samplingv1.UpdatePolicySetRequest, opts ...grpc.CallOption) (*samplingv1.UpdatePolicySetResponse, error)
}

const (
	// boostPrefix starts the names of our policies.
	boostPrefix = "boost/"
	// maxPolicies is what sampling takes in a set.
	maxPolicies = 100
)

// boost adds a policy that keeps a share of a service's traces for a while. The policy bears the name of the plan's step,
// so doing it again finds it there. Boosts that have expired are dropped on the way.
type boost struct {
	sampling policies
	now      func() time.Time
	random   func() uint32
	base     time.Duration // pause after the first failure, before jitter
}

// DryRun reads the policies and says what would be added.
func (b *boost) DryRun(ctx context.Context, c call) (string, error) {
	p, err := b.policy(c)
	if err != nil {
		return "", err
	}
	set, err := b.read(ctx)
	if err != nil {
		return "", err
	}
	next, _ := b.with(set, p)
	if len(next) > maxPolicies {
		return "", fmt.Errorf("there are %d policies already, want fewer than %d", len(next)-1, maxPolicies)
	}
	return fmt.Sprintf("would add policy %s to epoch %d (%d policies): keep %s of the traces of %s for %s",
		p.GetName(), set.GetEpoch(), len(set.GetPolicies()), percent(c), p.GetService(), c.parameters()["for"]), nil
}

// Do adds the policy by compare-and-set, and tries again when another writer was faster or there is no leader.
func (b *boost) Do(ctx context.Context, c call) (string, error) {
	p, err := b.policy(c)
	if err != nil {
		return "", err
	}
	for attempt := 1; ; attempt++ {
		epoch, err := b.add(ctx, p)
		if err == nil {
			return fmt.Sprintf("policy %s keeps %s of the traces of %s until %s, epoch %d", p.GetName(), percent(c),
				p.GetService(), p.GetExpireTime().AsTime().Format(time.RFC3339), epoch), nil
		}
		if code := status.Code(err); code != codes.Aborted && code != codes.Unavailable {
			return "", fmt.Errorf("add policy %s: %w", p.GetName(), err)
		}
		pause := time.Duration(float64(b.base<<min(attempt-1, 4)) * float64(b.random()) / (1 << 32))
		if e := wait(ctx, pause); e != nil {
			return "", fmt.Errorf("add policy %s, attempt %d: %w", p.GetName(), attempt, err)
		}
	}
}

// add makes one attempt and gives the epoch that holds the policy. A policy that is there keeps its expiry, which is
// put into p.
func (b *boost) add(ctx context.Context, p *samplingv1.Policy) (uint64, error) {
	set, err := b.read(ctx)
	if err != nil {
		return 0, err
	}
	next, there := b.with(set, p)
	if there != nil {
		p.ExpireTime = there.GetExpireTime()
		return set.GetEpoch(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := b.sampling.UpdatePolicySet(ctx, &samplingv1.UpdatePolicySetRequest{
		PolicySet: &samplingv1.PolicySet{Policies: next}, Etag: set.GetEtag(),
	})
	if err != nil {
		return 0, err
	}
	return out.GetPolicySet().GetEpoch(), nil
}

func (b *boost) read(ctx context.Context) (*samplingv1.PolicySet, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := b.sampling.GetPolicySet(ctx, &samplingv1.GetPolicySetRequest{})
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	return out.GetPolicySet(), nil
}

// with gives the policies of set without expired boosts and with p; there is p's namesake in the set, nil for none.
func (b *boost) with(set *samplingv1.PolicySet, p *samplingv1.Policy) (next []*samplingv1.Policy, there *samplingv1.Policy) {
	for _, q := range set.GetPolicies() {
		if q.GetName() == p.GetName() {
			there = q
		}
		expired := q.GetExpireTime() != nil && !q.GetExpireTime().AsTime().After(b.now())
		if !expired || !strings.HasPrefix(q.GetName(), boostPrefix) {
			next = append(next, q)
		}
	}
	return append(next, p), there
}

func (b *boost) policy(c call) (*samplingv1.Policy, error) {
	ratio, err := playbook.Ratio(c.parameters()["ratio"])
	if err != nil {
		return nil, fmt.Errorf("ratio: %w", err)
	}
	length, err := playbook.For(c.parameters()["for"])
	if err != nil {
		return nil, fmt.Errorf("for: %w", err)
	}
	p := &samplingv1.Policy{
		Name:       boostPrefix + strings.ToLower(c.key()),
		Service:    c.parameters()["service"],
		ExpireTime: timestamppb.New(b.now().Add(length)),
		Rule:       &samplingv1.Policy_Always{Always: &samplingv1.AlwaysRule{}},
	}
	if ratio < 1 {
		p.Rule = &samplingv1.Policy_Probabilistic{Probabilistic: &samplingv1.ProbabilisticRule{Ratio: ratio}}
	}
	return p, nil
}

func percent(c call) string {
	ratio, err := playbook.Ratio(c.parameters()["ratio"])
	if err != nil {
		return "?"
	}
	return fmt.Sprintf("%g %%", ratio*100)
}
