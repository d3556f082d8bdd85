package admit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

func TestANameThatNoTenantCanHaveIsMalformed(t *testing.T) {
	g := gate(t, settings())
	for _, name := range []string{"", "a b", "a/b", "ä", "a\n", strings.Repeat("a", 65)} {
		r, no := g.Begin(start, name, otlp.SignalTraces)
		require.Equal(t, admit.Malformed, no.Reason, "%q", name)
		require.Zero(t, no.Wait, "it must not come again")
		require.Contains(t, no.String(), "want 1 to 64 characters")
		r.End(start) // the zero request ends
	}
	begin(t, g, start, strings.Repeat("a", 64)).End(start)
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

func TestTenantsAreBoundedAndTheIdleMakeRoom(t *testing.T) {
	set := settings()
	set.Tenants = 3
	set.Limits.Tenants = map[string]admit.Limit{"own": {Weight: 2}}
	g := gate(t, set)
	var open []*admit.Request
	for i := range 3 {
		open = append(open, begin(t, g, start, fmt.Sprint("t", i)))
	}
	require.Equal(t, "own", begin(t, g, start, "own").Tenant(), "it always has a place")
	require.Equal(t, admit.Other, begin(t, g, start, "late").Tenant(), "all are busy")
	open[1].Accept(7, 7)
	open[1].Refuse(admit.Overload, 2)
	open[1].End(start)
	require.Equal(t, "late", begin(t, g, start, "late").Tenant())
	other := usage(t, g, admit.Other)
	require.EqualValues(t, 7, other.Accepted, "its counts go to other")
	require.Equal(t, []admit.Count{{Reason: admit.Overload, Items: 2}}, other.Refused)
	require.Len(t, g.Usage(start), 5)
}

func TestATenantWithoutItsTokensIsNotForgotten(t *testing.T) {
	set := settings()
	set.Tenants, set.Limits.Default = 1, admit.Limit{RequestsPerSecond: 1}
	g := gate(t, set)
	begin(t, g, start, "a").End(start)
	require.Equal(t, admit.Other, begin(t, g, start, "b").Tenant(), "a would come back with a full bucket")
	require.Equal(t, "b", begin(t, g, start.Add(time.Second), "b").Tenant())
}

func TestUsageTellsTheBusiestFirst(t *testing.T) {
	g := gate(t, settings())
	for i, name := range []string{"a", "b", "c"} {
		r := begin(t, g, start, name)
		require.False(t, r.Reserve(start, 10).Refused())
		r.Accept(i, 100*i)
	}
	all := g.Usage(start)
	require.Equal(t, []string{"c", "b", "a", admit.Other}, []string{all[0].Name, all[1].Name, all[2].Name, all[3].Name})
	require.Equal(t, admit.Usage{Name: "c", Limit: admit.Limit{Weight: 1}, InFlight: 10, Share: 213, Accepted: 2}, all[0])
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

// What holds after any moves: the limit, the sum of what is held, and that bytes above a share come only out of the room.
func TestTheRoomIsKeptWhateverIsAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := settings()
		set.Random = func() float64 { return rapid.Float64Range(0, 0.999).Draw(t, "luck") }
		set.Limits.Tenants = map[string]admit.Limit{"t0": {Weight: 3}, "t1": {Weight: 0.1}}
		g, now, open := gate(t, set), start, []*admit.Request{}
		holds := map[*admit.Request]int64{}
		for range rapid.IntRange(1, 100).Draw(t, "moves") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2e9).Draw(t, "passed")))
			if len(open) == 0 || rapid.IntRange(0, 2).Draw(t, "move") == 0 {
				if r, no := g.Begin(now, fmt.Sprint("t", rapid.IntRange(0, 4).Draw(t, "tenant")), otlp.SignalTraces); !no.Refused() {
					open = append(open, &r)
				}
				continue
			}
			i := rapid.IntRange(0, len(open)-1).Draw(t, "request")
			r, before := open[i], g.Held()
			if rapid.Bool().Draw(t, "end") {
				r.End(now)
				require.Equal(t, before-holds[r], g.Held())
				delete(holds, r)
				open = append(open[:i], open[i+1:]...)
				continue
			}
			n := int64(rapid.IntRange(1, 300).Draw(t, "bytes"))
			if no := r.Reserve(now, n); no.Refused() {
				require.GreaterOrEqual(t, no.Wait, 100*time.Millisecond)
				require.LessOrEqual(t, no.Wait, 30*time.Second)
				require.Equal(t, before, g.Held())
				continue
			}
			holds[r] += n
			require.Equal(t, before+n, g.Held())
			require.LessOrEqual(t, g.Held(), int64(1000))
			if g.Held() > 800 {
				u := usageAt(g, now, r.Tenant())
				require.LessOrEqual(t, u.InFlight, u.Share, "the reserve is for who is within its share")
			}
		}
		for _, r := range open {
			r.End(now)
		}
		require.Zero(t, g.Held())
	})
}

func usageAt(g *admit.Gate, now time.Time, tenant string) (found admit.Usage) {
	for _, u := range g.Usage(now) {
		if u.Name == tenant {
			found = u
		}
	}
	return found
}

func TestManyGoroutinesLeaveNothingBehind(t *testing.T) {
	set := settings()
	set.Bytes, set.Random, set.Tenants = 1e5, rand.Float64, 4
	set.Limits.Default = admit.Limit{RequestsPerSecond: 1e9, ItemsPerSecond: 1e9}
	g := gate(t, set)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 2000 {
				now := start.Add(time.Duration(n) * time.Millisecond)
				r, no := g.Begin(now, fmt.Sprint("t", (i+n)%6), otlp.Signal(n%3))
				if no.Refused() {
					continue
				}
				for k := range 4 {
					if r.Reserve(now, int64(1000*k)).Refused() {
						break
					}
				}
				if !r.Charge(now, 10, 4000).Refused() {
					r.Accept(10, 4000)
				}
				r.End(now)
				if n%500 == 0 {
					g.Usage(now)
					g.SetBacklog(otlp.SignalLogs, 0.9, 0)
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, g.Held())
	for _, u := range g.Usage(start) {
		require.Zero(t, u.InFlight)
	}
}
