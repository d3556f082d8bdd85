package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/test/program"
)

func TestARowRunsTheBinaryAndAccountsForEverySpan(t *testing.T) {
	binary, dir := filepath.Join(t.TempDir(), "triflow"), t.TempDir()
	require.NoError(t, program.Build(t.Context(), "../..", binary))
	for _, by := range []transport{{}, {http: true}, {http: true, encoding: "gzip"}} {
		in := &intake{load: load{duration: 200 * time.Millisecond, connections: 2, transport: by, shape: wideShape(50)}, durability: "always", cores: 1}
		require.NoError(t, in.measure(t.Context(), binary, dir), by)
		require.Len(t, in.sent.took, int(in.sent.spans)/50, by)
		require.Positive(t, in.cost.heap.bytes, by)
		require.Positive(t, in.peakRSS, by)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Empty(t, left, "the logs are removed")
}
