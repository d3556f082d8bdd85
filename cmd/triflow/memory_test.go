package main

import (
	"log/slog"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// goLimit is the limit of Go in force.
func goLimit() int64 { return debug.SetMemoryLimit(-1) }

func TestGoManagesWhatTheLimitLeavesUntilTheProcessCloses(t *testing.T) {
	before := goLimit()
	for limit, managed := range map[int64]int64{1000 << 20: 900 << 20, 200 << 20: 152 << 20} {
		undo, err := limitMemory(limit, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.Equal(t, managed, goLimit())
		require.NoError(t, undo())
		require.Equal(t, before, goLimit())
	}
}

func TestWithoutASettingTheLimitIsThatOfTheSurroundings(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	around, source := memoryAround()
	require.Contains(t, []string{"cgroup", "machine"}, source)
	require.Positive(t, around)
	undo, err := limitMemory(0, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Less(t, goLimit(), around)
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
