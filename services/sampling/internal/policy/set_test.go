package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/services/sampling/internal/policy"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// The randomness of traceID is half of 2^56, so that a share of 0.5 just keeps it.
const traceID = "0123456789abcdef0080000000000000"

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func facts(t *testing.T, m *samplingv1.TraceFacts) policy.Facts {
	t.Helper()
	if m.GetTraceId() == "" {
		m.TraceId = traceID
	}
	f, faults := policy.ReadFacts(m)
	require.Empty(t, faults)
	return f
}

func setOf(policies ...*samplingv1.Policy) *samplingv1.PolicySet {
	return &samplingv1.PolicySet{Policies: policies}
}

func always(name string) *samplingv1.Policy {
	return &samplingv1.Policy{Name: name, Rule: &samplingv1.Policy_Always{Always: &samplingv1.AlwaysRule{}}}
}

func share(name string, ratio float64) *samplingv1.Policy {
	return &samplingv1.Policy{Name: name, Rule: &samplingv1.Policy_Probabilistic{
		Probabilistic: &samplingv1.ProbabilisticRule{Ratio: ratio},
	}}
}

func status(name string, codes ...samplingv1.StatusCode) *samplingv1.Policy {
	return &samplingv1.Policy{Name: name, Rule: &samplingv1.Policy_Status{Status: &samplingv1.StatusRule{Codes: codes}}}
}

func latency(r *samplingv1.LatencyRule) *samplingv1.Policy {
	return &samplingv1.Policy{Name: "slow", Rule: &samplingv1.Policy_Latency{Latency: r}}
}

func attribute(r *samplingv1.AttributeRule) *samplingv1.Policy {
	return &samplingv1.Policy{Name: "tagged", Rule: &samplingv1.Policy_Attribute{Attribute: r}}
}

func TestEveryRuleMatchesWhatItSays(t *testing.T) {
	seconds := func(s float64) *durationpb.Duration {
		return durationpb.New(time.Duration(s * float64(time.Second)))
	}
	root := func(s float64) *samplingv1.TraceFacts { return &samplingv1.TraceFacts{RootDuration: seconds(s)} }
	tagged := func(values ...string) *samplingv1.TraceFacts {
		return &samplingv1.TraceFacts{Attributes: []*samplingv1.AttributeFact{{Key: "other", Values: []string{"x"}}, {Key: "tier", Values: values}}}
	}
	oneToFive := latency(&samplingv1.LatencyRule{Min: seconds(1), Max: seconds(5)})
	ranged := latency(&samplingv1.LatencyRule{Min: seconds(1), Measure: samplingv1.LatencyMeasure_LATENCY_MEASURE_RANGE})
	gold := attribute(&samplingv1.AttributeRule{Key: "tier", Values: []string{"gold", "silver"}})
	notGold := attribute(&samplingv1.AttributeRule{Key: "tier", Values: []string{"gold"}, Invert: true})
	anyTier := attribute(&samplingv1.AttributeRule{Key: "tier"})
	noTier := attribute(&samplingv1.AttributeRule{Key: "tier", Invert: true})
	errors := status("errors", samplingv1.StatusCode_STATUS_CODE_ERROR)
	ofCart := always("cart")
	ofCart.Service = "cart"
	until := func(at time.Time) *samplingv1.Policy {
		p := always("boost")
		p.ExpireTime = timestamppb.New(at)
		return p
	}
	for name, c := range map[string]struct {
		policy *samplingv1.Policy
		facts  *samplingv1.TraceFacts
		want   bool
	}{
		"always":                          {always("all"), &samplingv1.TraceFacts{}, true},
		"status that is listed":           {errors, &samplingv1.TraceFacts{Status: samplingv1.StatusCode_STATUS_CODE_ERROR}, true},
		"status that is not listed":       {errors, &samplingv1.TraceFacts{Status: samplingv1.StatusCode_STATUS_CODE_OK}, false},
		"status that is not given":        {errors, &samplingv1.TraceFacts{}, false},
		"latency at the lower bound":      {oneToFive, root(1), true},
		"latency below it":                {oneToFive, root(0.999), false},
		"latency at the upper bound":      {oneToFive, root(5), false},
		"latency below the upper bound":   {oneToFive, root(4.999), true},
		"root latency without a root":     {oneToFive, &samplingv1.TraceFacts{RangeDuration: seconds(2)}, false},
		"range latency":                   {ranged, &samplingv1.TraceFacts{RangeDuration: seconds(2)}, true},
		"range latency ignores the root":  {ranged, root(2), false},
		"attribute of one of the values":  {gold, tagged("bronze", "silver"), true},
		"attribute of another value":      {gold, tagged("bronze"), false},
		"attribute that is missing":       {gold, &samplingv1.TraceFacts{}, false},
		"attribute of any value":          {anyTier, tagged("bronze"), true},
		"any value when it is missing":    {anyTier, &samplingv1.TraceFacts{}, false},
		"inverted with the value":         {notGold, tagged("gold", "bronze"), false},
		"inverted with another value":     {notGold, tagged("bronze"), true},
		"inverted when missing":           {notGold, &samplingv1.TraceFacts{}, true},
		"inverted any value":              {noTier, tagged("bronze"), false},
		"inverted any value when missing": {noTier, &samplingv1.TraceFacts{}, true},
		"service with a span":             {ofCart, &samplingv1.TraceFacts{Services: []string{"cart", "shop"}}, true},
		"service without a span":          {ofCart, &samplingv1.TraceFacts{Services: []string{"shop"}}, false},
		"at its expiry":                   {until(noon), &samplingv1.TraceFacts{}, true},
		"after its expiry":                {until(noon.Add(-1)), &samplingv1.TraceFacts{}, false},
		"no rule that is known":           {&samplingv1.Policy{Name: "newer"}, &samplingv1.TraceFacts{}, false},
		"share that it would be refused":  {share("none", 0), &samplingv1.TraceFacts{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := policy.Compile(setOf(c.policy)).Evaluate(facts(t, c.facts), noon)
			require.Equal(t, c.want, got.Matched)
			require.Equal(t, c.want, got.Keep)
		})
	}
}

func TestTheSmallestThresholdOfThoseThatMatchDecides(t *testing.T) {
	set := setOf(share("tenth", 0.1), share("half", 0.5), share("other-half", 0.5),
		status("errors", samplingv1.StatusCode_STATUS_CODE_ERROR))
	for name, c := range map[string]struct {
		facts                     *samplingv1.TraceFacts
		keep                      bool
		policy, threshold, reason string
	}{
		"the first of equals": {
			&samplingv1.TraceFacts{}, true, "half", "8",
			"policy half keeps 50 % of all traces",
		},
		"just outside the share": {
			&samplingv1.TraceFacts{Randomness: "7fffffffffffff"}, false, "half", "8",
			"policy half keeps 50 % of all traces, and this one is outside that share",
		},
		"a later policy with a smaller one": {
			&samplingv1.TraceFacts{Status: samplingv1.StatusCode_STATUS_CODE_ERROR, Randomness: "00000000000000"},
			true, "errors", "0", "policy errors keeps traces with status ERROR",
		},
		"a higher incoming one": {
			&samplingv1.TraceFacts{IncomingThreshold: "c", Randomness: "c0000000000000"}, true, "half", "c",
			"policy half keeps 50 % of all traces, out of those that earlier sampling kept",
		},
		"a lower incoming one": {
			&samplingv1.TraceFacts{IncomingThreshold: "4"}, true, "half", "8",
			"policy half keeps 50 % of all traces",
		},
		"an incoming one that it has not passed": {
			&samplingv1.TraceFacts{IncomingThreshold: "c", Randomness: "b0000000000000"}, false, "half", "c",
			"policy half keeps 50 % of all traces, but this one is outside the share that earlier sampling kept",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := policy.Compile(set).Evaluate(facts(t, c.facts), noon)
			require.Equal(t, c.keep, got.Keep)
			require.Equal(t, c.policy, got.Policy)
			require.Equal(t, c.threshold, got.Threshold.String())
			require.Equal(t, c.reason, got.Reason)
		})
	}
}

func TestATraceThatNoPolicyMatchesIsDropped(t *testing.T) {
	for _, set := range []*samplingv1.PolicySet{nil, setOf(status("errors", samplingv1.StatusCode_STATUS_CODE_ERROR))} {
		got := policy.Compile(set).Evaluate(facts(t, &samplingv1.TraceFacts{}), noon)
		require.Equal(t, policy.Outcome{Reason: "no policy matches"}, got)
	}
}

func TestReasonsQuoteTheRule(t *testing.T) {
	second := durationpb.New(time.Second)
	for want, p := range map[string]*samplingv1.Policy{
		"policy slow keeps traces whose root takes at least 1s": latency(&samplingv1.LatencyRule{Min: second}),
		"policy slow keeps traces that take, from first start to last end, at least 1s and less than 2s": latency(&samplingv1.LatencyRule{
			Min: second, Max: durationpb.New(2 * time.Second), Measure: samplingv1.LatencyMeasure_LATENCY_MEASURE_RANGE,
		}),
		"policy tagged keeps traces with a b or one of 2 more with a span of service cart": func() *samplingv1.Policy {
			p := attribute(&samplingv1.AttributeRule{Key: "a", Values: []string{"b", "c", "d"}})
			p.Service = "cart"
			return p
		}(),
	} {
		f := facts(t, &samplingv1.TraceFacts{
			RootDuration: second, RangeDuration: second, Services: []string{"cart"},
			Attributes: []*samplingv1.AttributeFact{{Key: "a", Values: []string{"b"}}},
		})
		require.Equal(t, want, policy.Compile(setOf(p)).Evaluate(f, noon).Reason)
	}
}

func TestAttributeKeysAreSortedAndNamedOnce(t *testing.T) {
	require.Empty(t, policy.AttributeKeys(setOf(always("all"))))
	require.Equal(t, []string{"a", "b"}, policy.AttributeKeys(setOf(
		attribute(&samplingv1.AttributeRule{Key: "b"}), always("all"),
		attribute(&samplingv1.AttributeRule{Key: "a"}), attribute(&samplingv1.AttributeRule{Key: "b"}))))
}

func TestFactsTellEveryFieldThatIsWrong(t *testing.T) {
	_, faults := policy.ReadFacts(&samplingv1.TraceFacts{TraceId: "00", Randomness: "x", IncomingThreshold: "0123456789abcdef"})
	require.Equal(t, []policy.Fault{
		{"trace_id", "2 characters, want 32 hex digits"},
		{"randomness", "1 characters, want 14 hex digits"},
		{"incoming_threshold", "16 characters, want 1 to 14 hex digits"},
	}, faults)
}

func BenchmarkEvaluate(b *testing.B) {
	set := policy.Compile(setOf(status("errors", samplingv1.StatusCode_STATUS_CODE_ERROR),
		latency(&samplingv1.LatencyRule{Min: durationpb.New(time.Second)}),
		attribute(&samplingv1.AttributeRule{Key: "tier", Values: []string{"gold"}}), share("base", 0.1)))
	f, _ := policy.ReadFacts(&samplingv1.TraceFacts{
		TraceId: traceID, RootDuration: durationpb.New(time.Millisecond),
		Attributes: []*samplingv1.AttributeFact{{Key: "tier", Values: []string{"bronze"}}},
	})
	b.ReportAllocs()
	for b.Loop() {
		set.Evaluate(f, noon)
	}
}
