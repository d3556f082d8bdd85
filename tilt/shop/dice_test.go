package shop

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheSameSeedDrawsTheSame(t *testing.T) {
	a, b, other := newDice(7, "cart"), newDice(7, "cart"), newDice(7, "stock")
	var same, different []time.Duration
	for range 20 {
		l := a.latency(time.Second)
		require.Equal(t, l, b.latency(time.Second))
		same, different = append(same, l), append(different, other.latency(time.Second))
	}
	require.NotEqual(t, same, different, "each service has a stream of its own")
}

func TestLatenciesHaveTheirMedianAndALongerTailAboveIt(t *testing.T) {
	d := newDice(1, "any")
	draws := make([]time.Duration, 20_000)
	for i := range draws {
		draws[i] = d.latency(time.Second)
	}
	slices.Sort(draws)
	require.InEpsilon(t, time.Second, draws[len(draws)/2], 0.02)
	require.InEpsilon(t, 2.26*float64(time.Second), float64(draws[len(draws)*99/100]), 0.05, "e^(2.326 × 0.35) medians at p99")
	require.LessOrEqual(t, draws[len(draws)-1], 8*time.Second)
}

func TestUsersComeAtTheRateAskedFor(t *testing.T) {
	d := newDice(1, "users")
	var sum time.Duration
	for range 20_000 {
		sum += d.gap(20)
	}
	require.InEpsilon(t, 20_000/20.0, sum.Seconds(), 0.03)
}

func TestJourneysAreTakenByTheirShare(t *testing.T) {
	total := 0.0
	for _, j := range journeys() {
		total += j.share
	}
	require.InDelta(t, 1, total, 1e-9)

	l := &load{dice: newDice(1, "users")}
	taken := map[string]int{}
	for range 20_000 {
		taken[l.choose().pattern]++
	}
	for _, j := range journeys() {
		require.InEpsilon(t, j.share, float64(taken[j.pattern])/20_000, 0.05, j.pattern)
	}
}

func TestPlaceholdersOfALogTextBecomeValuesAndAttributes(t *testing.T) {
	text, attrs := fill("order {id} of {user}", job{id: "o-1"}, newDice(1, "any"))
	require.Regexp(t, `^order o-1 of user-\d{5}$`, text)
	require.Len(t, attrs, 2)
	require.Equal(t, "shop.id", attrs[0].Key)
	require.Equal(t, "o-1", attrs[0].Value.String())
}
