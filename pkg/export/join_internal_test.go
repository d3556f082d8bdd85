package export

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
)

// named is a request with a span of that name, or more.
func named(t require.TestingT, names ...string) []byte {
	var spans []*tracev1.Span
	for _, name := range names {
		spans = append(spans, &tracev1.Span{Name: name, TraceId: make([]byte, 16)})
	}
	b, err := proto.Marshal(&collectorv1.ExportTraceServiceRequest{ResourceSpans: []*tracev1.ResourceSpans{{
		ScopeSpans: []*tracev1.ScopeSpans{{Spans: spans}},
	}}})
	require.NoError(t, err)
	return b
}

// TestEveryBatchIsInOneJointOfItsTenantWithinTheLimits adds, takes and lets time pass as it comes.
func TestEveryBatchIsInOneJointOfItsTenantWithinTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := joiner{limits: Join{
			Items: rapid.IntRange(1, 20).Draw(t, "items"), Bytes: rapid.IntRange(1, 400).Draw(t, "bytes"), Linger: time.Second,
		}}
		now, added := noon, uint64(0)
		var seen []uint64
		take := func(t *rapid.T) {
			j, wait := g.first(now)
			if j == nil {
				if wait < 0 || wait > time.Second || wait == 0 && len(g.open) > 0 {
					t.Fatalf("it waits %s with %d open", wait, len(g.open))
				}
				return
			}
			g.took()
			items, bytes := 0, 0
			for _, b := range j.batches {
				require.Equal(t, j.tenant, b.Tenant)
				seen, items, bytes = append(seen, b.Position), items+b.Items, bytes+len(b.Payload)
			}
			require.Equal(t, []int{items, bytes}, []int{j.items, j.bytes})
			if len(j.batches) > 1 && (items > g.limits.Items || bytes > g.limits.Bytes) {
				t.Fatalf("%d items of %d bytes in %d batches", items, bytes, len(j.batches))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				added++
				payload := named(t, slices.Repeat([]string{"a"}, rapid.IntRange(1, 8).Draw(t, "spans"))...)
				if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
					payload = payload[:len(payload)-1]
				}
				g.add(handoff.Batch{
					Position: added, Tenant: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "tenant"),
					Items: rapid.IntRange(0, 8).Draw(t, "items"), Payload: payload,
				}, now)
			},
			"take": take,
			"pass": func(*rapid.T) { now = now.Add(300 * time.Millisecond) },
		})
		for now = now.Add(time.Second); len(g.open)+len(g.full) > 0; {
			take(t)
		}
		slices.Sort(seen)
		for i := range added {
			require.Equal(t, i+1, seen[i])
		}
		require.Len(t, seen, int(added))
	})
}

func TestAJointHasTheSpansOfItsBatchesInOrder(t *testing.T) {
	g := joiner{limits: Join{Items: 100, Bytes: 1000, Linger: time.Second}}
	for _, name := range []string{"one", "two", "three"} {
		g.add(handoff.Batch{Items: 1, Payload: named(t, name)}, noon)
	}
	j, _ := g.first(noon.Add(time.Second))
	data, err := raw{}.Marshal(j.whole())
	require.NoError(t, err)
	var got collectorv1.ExportTraceServiceRequest
	require.NoError(t, proto.Unmarshal(data.Materialize(), &got))
	var names []string
	for _, rs := range got.GetResourceSpans() {
		names = append(names, rs.GetScopeSpans()[0].GetSpans()[0].GetName())
	}
	require.Equal(t, []string{"one", "two", "three"}, names)
}

func TestARequestThatDoesNotEndWhereItShouldIsNotJoined(t *testing.T) {
	g := joiner{limits: Join{Items: 100, Bytes: 1000, Linger: time.Second}}
	good := named(t, "good")
	for _, payload := range [][]byte{good, good[:len(good)-1], good, {0xff}, good} {
		g.add(handoff.Batch{Items: 1, Payload: payload}, noon)
	}
	require.Len(t, g.full, 2)
	require.Len(t, g.open[0].batches, 3)
}

func TestSoManyTenantsAreGatheredAtATime(t *testing.T) {
	g := joiner{limits: Join{Items: 100, Bytes: 1000, Linger: time.Second}}
	for i := range maxOpen + 3 {
		g.add(handoff.Batch{Tenant: fmt.Sprint(i), Items: 1}, noon)
	}
	require.Len(t, g.open, maxOpen)
	require.Len(t, g.full, 3)
	require.Equal(t, "0", g.full[0].tenant, "the one that waited for longest goes")
}

// joining is an exporter of one worker that joins.
func joining(t *testing.T, script ...outcome) (*Exporter, *scripted) {
	x, backends := scriptedExporter(t, 1, script)
	x.cfg.Join, x.cfg.Concurrency = Join{Items: 100, Bytes: 1000, Linger: time.Second}, 1
	return x, backends[0]
}

func TestWhatIsPushedWithinTheLingerIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, b := joining(t, yes)
		running(t, x, func() {
			start, done := time.Now(), make(chan struct{}, 10)
			for i := range 10 {
				require.NoError(t, x.Push(t.Context(), handoff.Batch{
					Signal: traces, Items: 1, Payload: named(t, fmt.Sprint(i)), Done: func() { done <- struct{}{} },
				}))
			}
			synctest.Wait()
			require.Empty(t, done)
			for range 10 {
				<-done
			}
			require.Equal(t, time.Second, time.Since(start))
			require.Len(t, b.calls, 1)
		})
	})
}

func TestWhileTheBackendIsBusyRequestsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, b := joining(t, outcome{wait: time.Minute}, yes)
		running(t, x, func() {
			done := make(chan struct{}, 10)
			push := func(name string) {
				require.NoError(t, x.Push(t.Context(), handoff.Batch{
					Signal: traces, Items: 1, Payload: named(t, name), Done: func() { done <- struct{}{} },
				}))
			}
			push("first")
			for i := range 9 {
				<-time.After(2 * time.Second) // more than the linger
				push(fmt.Sprint(i))
			}
			for range 10 {
				<-done
			}
			require.Len(t, b.calls, 3, "the first twice, the others once")
		})
	})
}

// TestABadBatchCostsItsNeighboursNothing lets a backend refuse every request with a bad batch in it.
func TestABadBatchCostsItsNeighboursNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bad := rapid.SliceOfN(rapid.Bool(), 1, 40).Draw(rt, "bad")
		by := rapid.SampledFrom([]Balance{RoundRobin, TraceID}).Draw(rt, "balance")
		synctest.Test(t, func(t *testing.T) {
			x, err := New(Config{
				Name: "tempo", Signal: traces, Balance: by, Endpoints: []Endpoint{{URL: "http://a:1"}, {URL: "http://b:1"}},
			}, Deps{Now: time.Now, Rand: func() float64 { return 0.5 }})
			require.NoError(t, err)
			p := &picky{got: make(map[string]int)}
			for _, e := range x.endpoints {
				e.transport = p
			}
			want, dropped, done := make(map[string]int), 0, make(chan struct{}, len(bad))
			running(t, x, func() {
				for i, isBad := range bad {
					name := fmt.Sprint("good ", i)
					if isBad {
						name = fmt.Sprint("bad ", i)
						dropped += 2
					} else {
						want[name] = 2
					}
					require.NoError(t, x.Push(t.Context(), handoff.Batch{
						Signal: traces, Items: 2, Payload: named(t, name, name), Done: func() { done <- struct{}{} },
					}))
				}
				for range bad {
					<-done
				}
			})
			require.Equal(t, want, p.got)
			s := x.Stats()
			require.Equal(t, dropped, int(s.Dropped["InvalidArgument"]))
			require.Less(t, int(s.Cuts), len(bad), "a cut makes two of one")
			require.Zero(t, s.Retries)
		})
	})
}

func TestARefusalOfEverythingIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, b := joining(t, outcome{verdict: refused, reason: "HTTP 401"})
		running(t, x, func() {
			done := make(chan struct{}, 10)
			for i := range 10 {
				require.NoError(t, x.Push(t.Context(), handoff.Batch{
					Signal: traces, Items: 1, Payload: named(t, fmt.Sprint(i)), Done: func() { done <- struct{}{} },
				}))
			}
			for range 10 {
				<-done
			}
			require.Len(t, b.calls, 1)
			require.Equal(t, map[string]uint64{"HTTP 401": 10}, x.Stats().Dropped)
		})
	})
}
