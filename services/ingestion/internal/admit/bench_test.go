package admit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

// busy is a gate with limits of each kind, and a function that takes a request through it and says whether it got in.
func busy(t require.TestingT) (*admit.Gate, func(now time.Time, tenant string) bool) {
	set := settings()
	set.Bytes, set.Random = 1<<28, rand.Float64
	set.Limits.Default = admit.Limit{RequestsPerSecond: 1e9, ItemsPerSecond: 1e12, BytesPerSecond: 1e15}
	g := gate(t, set)
	return g, func(now time.Time, tenant string) bool {
		r, no := g.Begin(now, tenant, otlp.SignalTraces)
		if no.Refused() || r.Reserve(now, 32<<10).Refused() || r.Charge(now, 512, 30000).Refused() {
			r.End(now)
			return false
		}
		r.Accept(512, 30000)
		r.End(now)
		return true
	}
}

func TestToAdmitAndToRefuseAllocatesNothing(t *testing.T) {
	g, take := busy(t)
	now := start
	require.Zero(t, testing.AllocsPerRun(100, func() {
		now = now.Add(time.Millisecond)
		require.True(t, take(now, "acme"))
	}))
	for _, signal := range []otlp.Signal{otlp.SignalTraces, otlp.SignalLogs, otlp.SignalMetrics} {
		g.SetBacklog(signal, 1, 0)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		require.False(t, take(now, "acme"))
	}))
}

func BenchmarkAdmit(b *testing.B) {
	_, take := busy(b)
	now := start
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		take(now, "acme")
	}
}

func BenchmarkAdmitParallel(b *testing.B) {
	_, take := busy(b)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		now := start
		for p.Next() {
			now = now.Add(time.Microsecond)
			take(now, "acme")
		}
	})
}

func BenchmarkRefuse(b *testing.B) {
	g, take := busy(b)
	take(start, "acme")
	g.SetBacklog(otlp.SignalTraces, 1, 0)
	b.ReportAllocs()
	for b.Loop() {
		take(start, "acme")
	}
}
