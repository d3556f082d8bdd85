package shop

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
)

func TestTheDefaultConfigurationIsValid(t *testing.T) {
	require.NoError(t, settings.Defaults[Config]().Validate())
}

func TestEveryFaultOfAConfigurationIsReportedWithItsField(t *testing.T) {
	cfg := Config{Endpoint: "nowhere", ControlAddress: ":", Rate: math.NaN(), Fault: "flood", FaultAfter: -time.Second}
	err := cfg.Validate()
	require.ErrorContains(t, err, `endpoint: "nowhere", want host:port`)
	require.ErrorContains(t, err, `control-address: ":", want host:port`)
	require.ErrorContains(t, err, "rate: NaN, want 0.1 to 2000 per second")
	require.ErrorContains(t, err, "fault-after: -1s, want 0s to 24h")
	require.ErrorContains(t, err, `fault: "flood", want one of slow-leaf`)
}

func TestATargetNeedsAFault(t *testing.T) {
	cfg := settings.Defaults[Config]()
	cfg.FaultTarget = "search"
	require.ErrorContains(t, cfg.Validate(), "fault-target")
}
