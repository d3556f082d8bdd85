package policy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/services/sampling/internal/policy"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// traffic draws a trace: its facts, and a class to count by that its randomness does not tell.
func traffic(rng *rand.Rand) (*samplingv1.TraceFacts, string) {
	m := &samplingv1.TraceFacts{
		TraceId:      fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()),
		RootDuration: durationpb.New(time.Duration(rng.ExpFloat64() * float64(400*time.Millisecond))),
		Status:       samplingv1.StatusCode_STATUS_CODE_OK,
		Services:     []string{"shop"},
	}
	class := "plain"
	if rng.Float64() < 0.02 {
		m.Status, class = samplingv1.StatusCode_STATUS_CODE_ERROR, "error"
	}
	if rng.Float64() < 0.3 {
		m.Services, class = append(m.Services, "cart"), class+" in cart"
	}
	return m, class
}

// Counting 1/p for each kept trace must give the number of traces, in every class, though the policies overlap. The
// letting-through of losers to other rules is what biases others (20 errors estimated as 38).
func TestKeptTracesEstimateAllTracesWithoutBias(t *testing.T) {
	cart := share("cart", 0.25)
	cart.Service = "cart"
	errors := status("errors", samplingv1.StatusCode_STATUS_CODE_ERROR)
	halfOfCartErrors := share("half", 0.5)
	set := policy.Compile(setOf(share("base", 0.03125), cart, errors, halfOfCartErrors,
		latency(&samplingv1.LatencyRule{Min: durationpb.New(time.Second)})))
	set2 := policy.Compile(setOf(share("base", 0.03125), cart, latency(&samplingv1.LatencyRule{Min: durationpb.New(time.Second)})))

	for _, s := range []*policy.Set{set, set2} {
		truth, estimate, variance := map[string]float64{}, map[string]float64{}, map[string]float64{}
		for seed := range uint64(40) {
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 2000 {
				m, class := traffic(rng)
				f, faults := policy.ReadFacts(m)
				require.Empty(t, faults)
				out := s.Evaluate(f, noon)
				truth[class]++
				n := out.Threshold.AdjustedCount()
				variance[class] += n - 1 // of n·Bernoulli(1/n)
				if out.Keep {
					estimate[class] += n
				}
			}
		}
		for class, want := range truth {
			require.InDelta(t, want, estimate[class], 4*math.Sqrt(variance[class])+1e-6, class)
		}
	}
}

func TestALargerShareNeverDropsATraceThatWasKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		small := rapid.Float64Range(1e-6, 1).Draw(t, "small")
		large := rapid.Float64Range(small, 1).Draw(t, "large")
		m, _ := traffic(rand.New(rand.NewPCG(seed, 2)))
		f, _ := policy.ReadFacts(m)
		errors := status("errors", samplingv1.StatusCode_STATUS_CODE_ERROR)
		before := policy.Compile(setOf(errors, share("base", small))).Evaluate(f, noon)
		after := policy.Compile(setOf(errors, share("base", large))).Evaluate(f, noon)
		require.LessOrEqual(t, after.Threshold, before.Threshold)
		require.True(t, after.Keep || !before.Keep)
	})
}

func TestTheOutgoingThresholdIsNeverBelowTheIncomingOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _ := traffic(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3)))
		m.IncomingThreshold = rapid.StringMatching("[0-9a-f]{1,14}").Draw(t, "incoming")
		f, _ := policy.ReadFacts(m)
		out := policy.Compile(setOf(share("base", rapid.Float64Range(1e-6, 1).Draw(t, "ratio")))).Evaluate(f, noon)
		require.GreaterOrEqual(t, out.Threshold, f.Incoming)
		require.Equal(t, out.Threshold.Keeps(f.Randomness), out.Keep)
	})
}
