package main

import (
	"log/slog"
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// goLimit is the limit of Go in force.
func goLimit() int64 { return debug.SetMemoryLimit(-1) }

func TestGoManagesNineTenthsOfTheMemoryLimitUntilTheProcessCloses(t *testing.T) {
	before := goLimit()
	undo, err := limitMemory(1000<<20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.EqualValues(t, 900<<20, goLimit())
	require.NoError(t, undo())
	require.Equal(t, before, goLimit())
}

func TestWithoutASettingTheLimitIsThatOfTheSurroundings(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	around, source := memoryAround()
	require.Contains(t, []string{"cgroup", "machine"}, source)
	require.Positive(t, around)
	undo, err := limitMemory(0, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Less(t, goLimit(), int64(math.MaxInt64))
	require.InEpsilon(t, goShare*float64(around), goLimit(), 1e-6)
	require.NoError(t, undo())
}

func TestTheVariableOfGoComesBeforeTheSurroundings(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB") // which the runtime read at the start, not now
	before := goLimit()
	undo, err := limitMemory(0, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, before, goLimit())
	require.NoError(t, undo())
}

func TestAMemoryLimitThatNoProcessFitsInIsRefused(t *testing.T) {
	for _, limit := range []int64{-1, 1, leastMemory - 1} {
		_, err := limitMemory(limit, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, "memory_limit: ")
	}
}
