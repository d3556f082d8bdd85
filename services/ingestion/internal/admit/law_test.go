package admit_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

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
