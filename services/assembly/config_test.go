package assembly

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
)

func TestDefaultsAreValidAndEveryFaultIsReported(t *testing.T) {
	c := settings.Defaults[Config]()
	require.NoError(t, c.Validate())
	c.Quiet, c.Step, c.MaxEdges = 0, 7e9, 0
	err := c.Validate()
	require.ErrorContains(t, err, "assembly.quiet: 0s, want 100ms to 1m")
	require.ErrorContains(t, err, "assembly.step: 7s, want 1s to 1m, a divisor of 1m")
	require.ErrorContains(t, err, "assembly.max_edges: 0, want at least 1")
	require.Error(t, Config{}.Validate())
}
