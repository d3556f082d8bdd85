package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheKeyOfACollectorIsMadeOnceAndItsPublicPartPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "witness.key")
	code, first, stderr := triflow("witness-key", path)
	require.Zero(t, code, stderr)
	require.Len(t, first, 45)
	code, again, _ := triflow("witness-key", path)
	require.Zero(t, code)
	require.Equal(t, first, again)
	code, _, stderr = triflow("witness-key", filepath.Join(path, "below"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "triflow: witness key: ")
}
