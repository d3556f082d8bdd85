package admit_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

var start = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// settings have a limit of 1000 bytes, of which 800 are for everybody and 640 below the threshold.
func settings() admit.Settings {
	return admit.Settings{
		Bytes: 1000, Reserve: 0.2, Threshold: 0.8, Tenants: 10, Burst: time.Second,
		Random: func() float64 { return 0 }, // whoever can be dropped is
	}
}

func gate(t require.TestingT, set admit.Settings) *admit.Gate {
	g, err := admit.New(set)
	require.NoError(t, err)
	return g
}

func begin(t require.TestingT, g *admit.Gate, now time.Time, tenant string) *admit.Request {
	r, no := g.Begin(now, tenant, otlp.SignalTraces)
	require.False(t, no.Refused(), "%s", no)
	return &r
}

func usage(t require.TestingT, g *admit.Gate, tenant string) admit.Usage {
	for _, u := range g.Usage(start) {
		if u.Name == tenant {
			return u
		}
	}
	require.FailNow(t, "no tenant "+tenant)
	return admit.Usage{}
}

func limited(l admit.Limit) *admit.Gate {
	set := settings()
	set.Limits.Tenants = map[string]admit.Limit{"acme": l}
	g, _ := admit.New(set)
	return g
}

func TestEveryFaultOfTheSettingsIsNamedAtOnce(t *testing.T) {
	_, err := admit.New(admit.Settings{Limits: admit.Limits{Default: admit.Limit{Weight: -1}, Tenants: map[string]admit.Limit{"a b": {}}}})
	require.EqualError(t, err, strings.Join([]string{
		"make gate: bytes: 0, want at least 1",
		"reserve: 0, want above 0 and below 1",
		"threshold: 0, want above 0 and below 1",
		"tenants: 0, want at least 1",
		"burst: 0s, want above 0",
		"random: none, want a source",
		"default.weight: -1, want 0 or more",
		`tenants: name "a b", want 1 to 64 characters of A-Z, a-z, 0-9, _, . and -`,
	}, "\n"))
}

func TestARateThatIsExceededSaysWhatCameAndWhenToComeAgain(t *testing.T) {
	for _, c := range []struct {
		limit        admit.Limit
		items, bytes int
		text         string
		wait         time.Duration
	}{
		{admit.Limit{RequestsPerSecond: 0.5}, 1, 1, "tenant acme: one request more, want at most 0.5 requests per second; come again in 2s", 2 * time.Second},
		{admit.Limit{ItemsPerSecond: 100}, 60, 1, "tenant acme: 60 items more, want at most 100 items per second; come again in 200ms", 200 * time.Millisecond},
		{admit.Limit{BytesPerSecond: 1000}, 1, 1000, "tenant acme: 1000 bytes more, want at most 1000 bytes per second; come again in 1s", time.Second},
	} {
		g := limited(c.limit)
		r := begin(t, g, start, "acme")
		require.False(t, r.Charge(start, c.items, c.bytes).Refused())
		r.End(start)
		again, no := g.Begin(start, "acme", otlp.SignalTraces)
		if !no.Refused() {
			no = again.Charge(start, c.items, c.bytes)
		}
		again.End(start)
		require.Equal(t, admit.Rate, no.Reason)
		require.Equal(t, c.text, no.String())
		require.Equal(t, c.wait, no.Wait)
		r = begin(t, g, start.Add(no.Wait), "acme")
		require.False(t, r.Charge(start.Add(no.Wait), c.items, c.bytes).Refused())
	}
}

func TestWhoIsToldToComeAgainHasPaidNothing(t *testing.T) {
	limit := admit.Limit{RequestsPerSecond: 1, ItemsPerSecond: 10, BytesPerSecond: 100}
	refusals := map[string]func(*admit.Gate, *admit.Request){
		"items": func(g *admit.Gate, r *admit.Request) {
			require.True(t, r.Charge(start, 11, 5).Refused() || r.Charge(start, 1, 1).Refused())
		},
		"room": func(_ *admit.Gate, r *admit.Request) {
			require.Equal(t, admit.Overload, r.Reserve(start, 1001).Reason)
		},
		"log": func(_ *admit.Gate, r *admit.Request) {
			require.False(t, r.Charge(start, 10, 100).Refused())
			r.Refund()
			r.Refund()
		},
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			g := limited(limit)
			r := begin(t, g, start, "acme")
			refuse(g, r)
			r.End(start)
			r = begin(t, g, start, "acme")
			require.False(t, r.Charge(start, 10, 100).Refused())
			r.End(start)
		})
	}
	t.Run("what is not to come again is paid for", func(t *testing.T) {
		g := limited(limit)
		r := begin(t, g, start, "acme")
		r.Refuse(admit.Malformed, 1)
		r.End(start)
		_, no := g.Begin(start, "acme", otlp.SignalTraces)
		require.Equal(t, admit.Rate, no.Reason)
	})
}

func TestARequestEndsOnce(t *testing.T) {
	g := gate(t, settings())
	a, b := begin(t, g, start, "a"), begin(t, g, start, "b")
	require.False(t, a.Reserve(start, 100).Refused())
	require.False(t, b.Reserve(start, 50).Refused())
	a.Release(start, 30)
	require.EqualValues(t, 120, g.Held())
	a.End(start)
	a.End(start)
	a.Release(start, 10)
	a.Accept(5, 5)
	a.Refuse(admit.Rate, 5)
	a.Refund()
	require.EqualValues(t, 50, g.Held())
	require.Equal(t, "tenant : request has ended; come again in 1s", a.Reserve(start, 1).String())
	require.True(t, a.Charge(start, 1, 1).Refused())
	require.Zero(t, usage(t, g, "a").Accepted)
	b.Release(start, 1000)
	require.Zero(t, g.Held())
}

func TestALoneTenantHasTheRoomAndTheRestIsKept(t *testing.T) {
	set := settings()
	set.Random = func() float64 { return 0.999 }
	g := gate(t, set)
	r := begin(t, g, start, "noisy")
	require.False(t, r.Reserve(start, 799).Refused())
	no := r.Reserve(start, 2)
	require.Equal(t, "tenant noisy: its requests in flight would hold 801 bytes, want at most 640 while others need room; come again in 1.5s", no.String())
	quiet := begin(t, g, start, "quiet")
	require.False(t, quiet.Reserve(start, 201).Refused())
	no = quiet.Reserve(start, 1)
	require.Contains(t, no.String(), "tenant quiet: requests in flight of all tenants would hold 1001 bytes, want at most 1000")
}

func TestTheChanceToBeDroppedRisesFromTheThresholdToFull(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, u := range []float64{0.5, 0.8, 0.85, 0.9, 0.95, 0.99} {
		set, lucky := settings(), true
		set.Bytes = 1e6
		set.Random = func() float64 {
			if lucky {
				return 0.999
			}
			return random.Float64()
		}
		g := gate(t, set)
		require.False(t, begin(t, g, start, "a").Reserve(start, int64(u*8e5)).Refused())
		lucky = false
		dropped := 0
		for range 10000 {
			next, no := g.Begin(start, "a", otlp.SignalTraces)
			if no.Refused() {
				dropped++
			}
			next.End(start)
		}
		require.InDelta(t, max(0, (u-0.8)/0.2), float64(dropped)/10000, 0.02, "u = %v", u)
	}
}

func TestAFullLogShedsItsSignalAndWhoFillsIt(t *testing.T) {
	g := gate(t, settings())
	put := func(now time.Time, tenant string, size int) {
		r, no := g.Begin(now, tenant, otlp.SignalLogs)
		require.False(t, no.Refused())
		r.Accept(1, size)
		r.End(now)
	}
	put(start, "noisy", 1e6)
	put(start, "quiet", 1e3)
	now := start.Add(5 * time.Second)
	g.SetBacklog(otlp.SignalLogs, 0.9, 0.05)
	_, no := g.Begin(now, "noisy", otlp.SignalLogs)
	require.Equal(t, "tenant noisy: log of logs is 90 % full, want at most 80 %; come again in 2s", no.String())
	put(now, "quiet", 1e3)
	r, no := g.Begin(now, "noisy", otlp.SignalTraces)
	require.False(t, no.Refused(), "the logs' log costs traces nothing")
	r.End(now)
	g.SetBacklog(otlp.SignalLogs, 0.5, 0)
	put(now, "noisy", 1)
}

func TestALoneTenantIsDroppedForAFullLogToo(t *testing.T) {
	g := gate(t, settings())
	now := start
	for range 20 {
		r, no := g.Begin(now, "only", otlp.SignalTraces)
		require.False(t, no.Refused())
		r.Accept(10, 1000)
		r.End(now)
		now = now.Add(time.Second)
	}
	g.SetBacklog(otlp.SignalTraces, 0.81, 0)
	_, no := g.Begin(now, "only", otlp.SignalTraces)
	require.Equal(t, admit.Overload, no.Reason)
}

func TestReasonsAreTheWordsOfTheContract(t *testing.T) {
	for _, word := range strings.Split("trace_id span_id parent_id utf8 depth count buckets value time malformed too_large "+
		"unsupported rate overload full draining not_stored deadline canceled", " ") {
		r, known := admit.ReasonOf(word)
		require.True(t, known, word)
		require.Equal(t, word, r.String())
	}
	for _, word := range []string{"", "admitted", "bored"} {
		_, known := admit.ReasonOf(word)
		require.False(t, known)
	}
}
