package logs

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
)

// BenchmarkApply stores groups of eight batches of 512 records on the real disk, decoding included.
func BenchmarkApply(b *testing.B) {
	st, err := openPebble(b.TempDir(), vfs.Default)
	require.NoError(b, err)
	s, err := newService(settings.Defaults[Config](), deps(""), st)
	require.NoError(b, err)
	var lines []string
	for i := range 512 {
		lines = append(lines, fmt.Sprintf("consumed message topic=orders partition=%d offset=%d lag=%d in %dms", i%8, i*977, i, i%50))
	}
	body := payload(b, "inventory", lines...)
	position := uint64(0)
	for b.Loop() {
		var jobs []job
		for range 8 {
			position++
			entries, err := decode(body, received)
			require.NoError(b, err)
			jobs = append(jobs, job{sender: "a", position: position, entries: entries, done: func() {}})
		}
		require.NoError(b, s.apply(b.Context(), jobs))
	}
	b.ReportMetric(float64(b.N*8*512)/b.Elapsed().Seconds(), "records/s")
	require.NoError(b, st.Close())
}
