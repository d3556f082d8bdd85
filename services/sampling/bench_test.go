package sampling

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// BenchmarkDecide measures calls over gRPC to a voter with its log on disk, from callers that each wait for their answer.
func BenchmarkDecide(b *testing.B) {
	for _, traces := range []int{1, 100} {
		for _, callers := range []int{1, 32} {
			b.Run(strconv.Itoa(traces)+" traces/"+strconv.Itoa(callers)+" callers", func(b *testing.B) {
				benchmarkDecide(b, alone(b, b.TempDir(), nil).client, traces, callers)
			})
		}
	}
}

// BenchmarkDecideOfThree is the same with three voters, all on this machine and its one disk.
func BenchmarkDecideOfThree(b *testing.B) {
	for _, traces := range []int{1, 100} {
		b.Run(strconv.Itoa(traces)+" traces/32 callers", func(b *testing.B) {
			c := newCluster(b)
			benchmarkDecide(b, c.voters[c.leader(b)].client, traces, 32)
		})
	}
}

func benchmarkDecide(b *testing.B, client samplingv1.SamplingServiceClient, traces, callers int) {
	b.Helper()
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				begin := time.Now()
				if _, err := client.Decide(b.Context(), facts(i*traces, traces)); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(begin)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N*traces)/b.Elapsed().Seconds(), "decisions/s")
	b.ReportMetric(float64(took[b.N/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
}
