package policy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/services/sampling/internal/policy"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

func TestEveryFaultOfASetIsToldWithItsPath(t *testing.T) {
	second := durationpb.New(time.Second)
	expired := always("expired")
	expired.ExpireTime = &timestamppb.Timestamp{Nanos: -1}
	set := setOf(
		always(""),
		always("Upper case"),
		always(strings.Repeat("a", 65)),
		always("twice"),
		always("twice"),
		share("nan", math.NaN()),
		status("no-codes"),
		status("bad-code", samplingv1.StatusCode_STATUS_CODE_ERROR, samplingv1.StatusCode_STATUS_CODE_UNSPECIFIED, 9),
		latency(&samplingv1.LatencyRule{}),
		attribute(&samplingv1.AttributeRule{}),
		&samplingv1.Policy{Name: "no-rule"},
		expired,
	)
	slow := latency(&samplingv1.LatencyRule{Min: second, Max: second, Measure: 7})
	slow.Name = "slow-too"
	set.Policies = append(set.Policies, slow)
	unreadable := latency(&samplingv1.LatencyRule{Min: &durationpb.Duration{Seconds: 1, Nanos: -1}, Max: second})
	unreadable.Name = "unreadable"
	set.Policies = append(set.Policies, unreadable)

	var got []string
	for _, f := range policy.Validate(set) {
		got = append(got, f.Path+": "+f.Text)
	}
	require.Len(t, got, 15)
	for i, want := range []string{
		"policies[0].name: 0 characters, want 1 to 64",
		`policies[1].name: "Upper case", want only a-z, 0-9, '-', '_', '.' and '/'`,
		"policies[2].name: 65 characters, want 1 to 64",
		`policies[4].name: "twice" is also policies[3], want each name once`,
		"policies[5].probabilistic.ratio: NaN, want 2^-56 to 1",
		"policies[6].status.codes: none, want at least one",
		"policies[7].status.codes[1]: STATUS_CODE_UNSPECIFIED, want UNSET, OK or ERROR",
		"policies[7].status.codes[2]: 9, want UNSET, OK or ERROR",
		"policies[8].latency.min: 0s, want more than 0s",
		"policies[9].attribute.key: 0 bytes, want 1 to 256",
		"policies[10]: no rule, want always, probabilistic, status, latency or attribute",
		"policies[11].expire_time: 0 s and -1 ns, want a valid time",
		"policies[12].latency.measure: 7, want ROOT or RANGE",
		"policies[12].latency.max: 1s, want more than min, which is 1s",
		"policies[13].latency.min: 1 s and -1 ns, want a valid duration",
	} {
		require.Equal(t, want, got[i])
	}
}

func TestASetIsBoundedInNumberAndSize(t *testing.T) {
	var many, large samplingv1.PolicySet
	for i := range 101 {
		many.Policies = append(many.Policies, always(fmt.Sprint("p", i)))
	}
	require.Equal(t, []policy.Fault{{"policies", "101 policies, want at most 100"}}, policy.Validate(&many))
	many.Policies = many.Policies[:100]
	require.Empty(t, policy.Validate(&many))

	large.Policies = append(large.Policies, attribute(&samplingv1.AttributeRule{Key: "k", Values: []string{strings.Repeat("v", 256<<10)}}))
	require.ErrorContains(t, fmt.Errorf("%v", policy.Validate(&large)), "want at most 262144")
}
