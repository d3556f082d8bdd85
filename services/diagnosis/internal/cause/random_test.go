package cause

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	diagnosisv1 "github.com/triflow/triflow/proto/gen/triflow/diagnosis/v1"
)

// randomSystem is services in an order in which calls only go forward, each called by one to three earlier ones.
func randomSystem(rng *rand.Rand) *system {
	n := 6 + rng.IntN(20)
	ops := make([]*operation, n)
	sys := &system{virtual: map[string]bool{}}
	for i := range ops {
		ops[i] = &operation{service: fmt.Sprintf("s%02d", i), work: 0.002 + 0.02*rng.Float64()}
		if i < 1+n/10 {
			sys.entries = append(sys.entries, outcall{to: ops[i], share: 1})
			continue
		}
		for _, caller := range rng.Perm(i)[:min(i, 1+rng.IntN(3))] {
			if len(ops[caller].calls) < 4 {
				ops[caller].calls = append(ops[caller].calls, outcall{to: ops[i], share: 0.2 + 0.8*rng.Float64(), async: rng.Float64() < 0.1})
			}
		}
	}
	return sys
}

// breakable draws a fault that is possible in what was seen.
func breakable(rng *rand.Rand, sound *run, g *Graph) fault {
	kinds := []diagnosisv1.CauseKind{slow, failing, saturated, lost, storm, traffic}
	for {
		f := fault{g.names[rng.IntN(len(g.names))], kinds[rng.IntN(len(kinds))]}
		enough := sound.counts[Symptom{Series: RequestRate, Server: f.service}] >= 50
		asks := slices.ContainsFunc(g.callees[f.service], func(e Edge) bool { return !e.Asynchronous && e.Calls >= 20 })
		switch {
		case !enough, (f.kind == lost || f.kind == storm) && !asks, f.kind == traffic && len(g.callers[f.service]) > 0:
		default:
			return f
		}
	}
}

func TestFaultsInRandomSystemsAreMostlyNamedDespiteNoise(t *testing.T) {
	const trials = 200
	first, three, service, claimed := 0, 0, 0, 0.0
	misses := map[string]int{}
	for seed := range uint64(trials) {
		rng := rand.New(rand.NewPCG(seed, 3))
		sys := randomSystem(rng)
		sound := sys.run(rng, 200, fault{})
		g := sound.graph()
		f := breakable(rng, sound, g)
		symptoms := sys.run(rng, 200, f).symptoms(sound, 0.15, 0.03)
		ranked, confidence := verdict(g, symptoms)
		claimed += confidence[0]
		top := ranked[:min(3, len(ranked))]
		if len(top) > 0 && top[0] == f {
			first++
		} else if len(top) > 0 {
			misses[fmt.Sprint(f.kind, " taken for ", top[0].kind)]++
		}
		if len(top) > 0 && top[0].service == f.service {
			service++
		}
		if slices.Contains(top, f) {
			three++
		}
	}
	t.Logf("of %d: service and kind first %d, service first %d, among three %d, claimed %.0f; %v", trials, first, service, three, claimed, misses)
	require.GreaterOrEqual(t, first, trials*85/100)
	require.InDelta(t, first, claimed, trials*0.12, "the confidences of the first causes should add up to how many are right")
	require.GreaterOrEqual(t, three, trials*93/100)
}
