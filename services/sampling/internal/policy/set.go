package policy

import (
	"slices"
	"time"

	"github.com/triflow/triflow/pkg/threshold"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// Set is a policy set made ready to judge. It does not change; many goroutines may use it. The zero value drops
// every trace.
type Set struct {
	policies []compiled
}

// Outcome is the judgement on one trace.
type Outcome struct {
	// Keep is the verdict.
	Keep bool
	// Matched tells that some policy matched; without, Threshold and Policy are empty.
	Matched bool
	// Threshold is the outgoing one.
	Threshold threshold.Threshold
	// Policy names the matching policy with the smallest threshold, the first of equals.
	Policy string
	// Reason is a sentence. A set has few different ones, so they can be kept once for many traces.
	Reason string
}

// compiled is a policy with what does not depend on the trace worked out.
type compiled struct {
	name      string
	service   string
	expire    time.Time // zero: never
	threshold threshold.Threshold
	matches   func(Facts) bool
	reasons   reasons
}

// Compile readies a set that Validate accepts. A policy that it would refuse, or of a kind that is not known, matches
// no trace: a set that a newer version wrote must not stop an older one.
func Compile(m *samplingv1.PolicySet) *Set {
	s := &Set{policies: make([]compiled, len(m.GetPolicies()))}
	for i, p := range m.GetPolicies() {
		s.policies[i] = compile(p)
	}
	return s
}

func compile(p *samplingv1.Policy) compiled {
	c := compiled{name: p.GetName(), service: p.GetService(), reasons: explain(p), matches: matcher(p)}
	if p.GetExpireTime() != nil {
		c.expire = p.GetExpireTime().AsTime()
	}
	if r := p.GetProbabilistic(); r != nil {
		t, err := threshold.FromProbability(r.GetRatio(), threshold.DefaultPrecision)
		if err != nil {
			c.matches = never
		}
		c.threshold = t
	}
	return c
}

// Evaluate judges a trace at a moment.
func (s *Set) Evaluate(f Facts, now time.Time) Outcome {
	var best *compiled
	for i := range s.policies {
		p := &s.policies[i]
		if (best == nil || p.threshold < best.threshold) && p.applies(f, now) {
			best = p
		}
	}
	if best == nil {
		return Outcome{Reason: "no policy matches"}
	}
	out := Outcome{Matched: true, Policy: best.name, Threshold: max(best.threshold, f.Incoming)}
	out.Keep = out.Threshold.Keeps(f.Randomness)
	out.Reason = best.reasons.of(out.Keep, f.Incoming > best.threshold)
	return out
}

func (c *compiled) applies(f Facts, now time.Time) bool {
	if !c.expire.IsZero() && now.After(c.expire) {
		return false
	}
	if c.service != "" && !slices.Contains(f.message.GetServices(), c.service) {
		return false
	}
	return c.matches(f)
}

func matcher(p *samplingv1.Policy) func(Facts) bool {
	switch r := p.GetRule().(type) {
	case *samplingv1.Policy_Always, *samplingv1.Policy_Probabilistic:
		return func(Facts) bool { return true }
	case *samplingv1.Policy_Status:
		codes := r.Status.GetCodes()
		return func(f Facts) bool { return slices.Contains(codes, f.message.GetStatus()) }
	case *samplingv1.Policy_Latency:
		return latencyMatcher(r.Latency)
	case *samplingv1.Policy_Attribute:
		return attributeMatcher(r.Attribute)
	}
	return never
}

func never(Facts) bool { return false }

func latencyMatcher(r *samplingv1.LatencyRule) func(Facts) bool {
	lowest, highest := r.GetMin().AsDuration(), r.GetMax().AsDuration()
	measure := (*samplingv1.TraceFacts).GetRootDuration
	if r.GetMeasure() == samplingv1.LatencyMeasure_LATENCY_MEASURE_RANGE {
		measure = (*samplingv1.TraceFacts).GetRangeDuration
	}
	return func(f Facts) bool {
		d := measure(f.message)
		return d != nil && d.AsDuration() >= lowest && (r.GetMax() == nil || d.AsDuration() < highest)
	}
}

func attributeMatcher(r *samplingv1.AttributeRule) func(Facts) bool {
	return func(f Facts) bool {
		values := f.values(r.GetKey())
		found := len(values) > 0
		if wanted := r.GetValues(); found && len(wanted) > 0 {
			found = slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(values, w) })
		}
		return found != r.GetInvert()
	}
}

// AttributeKeys lists the attributes that the policies look at, sorted, each once.
func AttributeKeys(m *samplingv1.PolicySet) []string {
	var keys []string
	for _, p := range m.GetPolicies() {
		if r := p.GetAttribute(); r != nil {
			keys = append(keys, r.GetKey())
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
