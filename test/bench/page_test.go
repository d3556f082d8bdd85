package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyMeasuredSectionsOfThePageChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	one, two := section{"One", "first\n"}, section{"Two", "second\n"}
	require.NoError(t, write(path, []section{one}))
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "# Benchmarks\n\n## One\n\nfirst\n", string(page))

	byHand := "# Title\n\nintroduction\n\n## One\n\nold\n\n### Below\n\nold\n\n## One more\n\nby hand\n"
	require.Equal(t, "# Title\n\nintroduction\n\n## Two\n\nsecond\n\n## One\n\nfirst\n\n## One more\n\nby hand\n", merge(byHand, two, one))
	require.Equal(t, merge(byHand, one, two), merge(merge(byHand, one, two), one, two))
}

func TestNumbersAreGroupedInThousands(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 1234567: "1,234,567"} {
		require.Equal(t, want, thousands(x))
	}
}
