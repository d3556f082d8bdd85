package cause

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each product is prior, P(x seen), P(y not seen).
func TestPosteriorsAgreeWithThoseWorkedOutByHand(t *testing.T) {
	x, y := Symptom{Series: "x"}, Symptom{Series: "y"}
	candidates := []Candidate{{Service: "a", Weight: 1, Expect: map[Symptom]float64{x: 0.9}}, {Service: "b", Weight: 1, Expect: map[Symptom]float64{y: 0.9}}}
	got := Rank(candidates, map[Symptom]bool{x: true, y: false}, Prior{Leak: 0.1, None: 0.2, NoneLeak: 0.5})
	a, b, none := 0.4*0.91*0.9, 0.4*0.1*0.09, 0.2*0.5*0.5
	require.Equal(t, 0, got[0].Candidate)
	require.InDelta(t, a/(a+b+none), got[0].Confidence, 1e-12)
	require.InDelta(t, b/(a+b+none), got[1].Confidence, 1e-12)
}

// In a disturbance a delay appears by itself in four of five cases.
func TestADisturbanceExplainsDelaysAway(t *testing.T) {
	x := Symptom{Series: Latency, Server: "a"}
	candidates := []Candidate{{Service: "a", Weight: 1, Expect: map[Symptom]float64{x: 0.9}}}
	got := Rank(candidates, map[Symptom]bool{x: true}, Prior{Leak: 0.1, None: 0.2, NoneLeak: 0.1, Disturbance: 0.5, NoneDisturbance: 0.25, SlowLeak: 0.8})
	a, none := 0.8*(0.5*0.91+0.5*0.98), 0.2*(0.75*0.1+0.25*0.8)
	require.InDelta(t, a/(a+none), got[0].Confidence, 1e-12)
}

func TestEqualExplanationsAreATie(t *testing.T) {
	x := Symptom{Series: "x"}
	same := map[Symptom]float64{x: 0.7}
	got := Rank([]Candidate{{Service: "a", Weight: 1, Expect: same}, {Service: "b", Weight: 1, Expect: same}}, map[Symptom]bool{x: true}, Prior{Leak: 0.1, None: 0.2, NoneLeak: 0.5})
	require.Equal(t, got[0].Confidence, got[1].Confidence)
}

func TestWithoutCandidatesNothingIsRanked(t *testing.T) {
	require.Empty(t, Rank(nil, nil, Prior{Leak: 0.1, None: 0.2, NoneLeak: 0.5}))
}
