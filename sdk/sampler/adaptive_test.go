package sampler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/sdk/pressure"
)

func TestAnAdaptiveRatioFallsToItsFloorAndRecoversToItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading := pressure.Reading{Fill: 1}
		a, err := NewAdaptive(0.5, 0.05, time.Second, func() pressure.Reading { return reading })
		require.NoError(t, err)
		p := parameters(t, "ffffffffffffffffffffffffffffffff", "")
		run := func() {
			for range 60 {
				<-time.After(time.Second) // by the clock of the bubble
				a.ShouldSample(p)
				require.GreaterOrEqual(t, a.ratio, 0.05)
				require.LessOrEqual(t, a.ratio, 0.5)
			}
		}
		run()
		require.Equal(t, 0.05, a.ratio)
		reading = pressure.Reading{}
		run()
		require.Equal(t, "ot=th:8", a.ShouldSample(p).Tracestate.String())
	})
}
