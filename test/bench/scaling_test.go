package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestLawsPredictWhatTheirPapersSay(t *testing.T) {
	amdahl, gustafson := laws()[0], laws()[1]
	require.InDelta(t, 1, amdahl.speedup(0.25, 1), 1e-9)
	require.InDelta(t, 1.6, amdahl.speedup(0.25, 2), 1e-9)
	require.InDelta(t, 4, amdahl.speedup(0.25, 1e12), 1e-6, "never more than 1/f")
	require.InDelta(t, 1, gustafson.speedup(0.25, 1), 1e-9)
	require.InDelta(t, 6.25, gustafson.speedup(0.25, 8), 1e-9)
}

func TestEachLawGivesTheSpeedUpThatItWasFittedTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Float64Range(1.5, 64).Draw(t, "cores")
		s := rapid.Float64Range(1, n).Draw(t, "speed-up")
		for _, l := range laws() {
			require.InDelta(t, s, l.speedup(l.fit(s, n), n), 1e-6, l.name)
		}
	})
}

func TestNoiseDoesNotMakeASerialShareBelowNothingOrAboveAll(t *testing.T) {
	for _, l := range laws() {
		require.Zero(t, l.fit(2.1, 2), l.name)
		require.InDelta(t, 1, l.fit(0.8, 2), 1e-9, l.name)
	}
}

func TestSpeedUpIsByThroughputAndByCostOnCores(t *testing.T) {
	one := &intake{cores: 1, sent: sent{spans: 1000, window: time.Second}, cost: cost{cpu: time.Second}}
	two := &intake{cores: 2, sent: sent{spans: 1500, window: time.Second}, cost: cost{cpu: 1875 * time.Millisecond}}
	s := speedups(one, two)
	require.InDelta(t, 1.5, s[0].by, 1e-9)
	require.InDelta(t, 1.6, s[1].by, 1e-9, "a span costs a quarter more")
	require.Equal(t, "| CPU a span | 1.60 | Amdahl | 0.25 | 1.00 | 1.60 | 2.29 | 2.91 |", s[1].predictions()[0])
}
