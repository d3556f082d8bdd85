package pipeline_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

func TestManyRunsAtOnceGiveWhatOneGives(t *testing.T) {
	set := load(t, allStages(), "backend")
	payloads := examples(t)
	var want [3]*pipeline.Output
	for s, payload := range payloads {
		want[s] = pass(t, set, otlp.Signal(s), payload)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 60 {
				s := i % 3
				out := &pipeline.Output{}
				err := set.Run(pipeline.Input{Signal: otlp.Signal(s), Payload: payloads[s], Items: 3, Tenant: "acme"}, out)
				if err != nil || fmt.Sprint(out) != fmt.Sprint(want[s]) {
					t.Errorf("%v %v, want %v", err, out, want[s])
				}
				set.Graph()
			}
		})
	}
	wg.Wait()
	received := uint64(0)
	for _, s := range signals {
		received += set.Received(s)
	}
	require.EqualValues(t, 3*(3+8*60), received)
}

// fanOut has n pipelines, each of which leads all items to the next one twice over: 2^n ways.
func fanOut(s otlp.Signal, n int, limits, last string) string {
	text := "pipelines:\n"
	for i := range n {
		match := "'false'"
		if i == 0 {
			match = "'true'"
		}
		text += fmt.Sprintf("- {name: a%d, signal: %s, match: %s, limits: {%s}, stages: [{route: {to: ['pipeline:b%[1]d', 'pipeline:c%[1]d']}}]}\n", i, s, match, limits)
		for _, way := range []string{"b", "c"} {
			to := fmt.Sprintf("'pipeline:a%d'", i+1)
			if i == n-1 {
				to = last
			}
			text += fmt.Sprintf("- {name: %s%d, signal: %s, match: 'false', stages: [{route: {to: [%s]}}]}\n", way, i, s, to)
		}
	}
	return text
}

func TestAFanOutEndsAtItsBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signals).Draw(t, "signal")
		steps := rapid.IntRange(1, 2000).Draw(t, "steps")
		set := load(t, fanOut(s, 20, fmt.Sprintf("max_hops: 64, max_steps: %d", steps), "service"))
		out := pass(t, set, s, encode(t, message(s, nil, item{Name: "a"}, item{Name: "b"})))
		require.Positive(t, out.Overrun)
		require.LessOrEqual(t, part(out, pipeline.Service).Items, 2*steps+2)
		require.Zero(t, out.Dropped)
	})
}

func TestTimeEndsARunWhereverItIs(t *testing.T) {
	s := otlp.SignalTraces
	set := load(t, fanOut(s, 10, "max_hops: 64", "'pipeline:m'")+"- {name: m, signal: traces, match: 'false', stages: [{mask: {keys: [x]}}]}")
	payload := encode(t, message(s, nil, item{Name: "a"}))
	out := &pipeline.Output{}
	for calls := range 20 {
		in := pipeline.Input{Signal: s, Payload: payload, Items: 1, Elapsed: func() time.Duration {
			calls--
			return time.Duration(min(calls, 0)) * -time.Hour
		}}
		require.NoError(t, set.Run(in, out))
		require.Positive(t, out.Dropped[pipeline.Budget])
		require.Zero(t, out.Overrun, "nothing passes the mask by")
	}
	require.NoError(t, set.Run(pipeline.Input{Signal: s, Payload: payload, Items: 1}, out))
	require.Equal(t, 1<<10, part(out, pipeline.Service).Items)
}

func TestEachTargetOfARouteIsPaidFor(t *testing.T) {
	s := otlp.SignalLogs
	payload := encode(t, message(s, nil, item{Name: "a"}))
	for steps, overrun := range map[int]int{3: 1, 4: 0} {
		text := fmt.Sprintf("pipelines: [{name: p, signal: logs, limits: {max_steps: %d}, stages: [{route: {to: [service, b]}}]}]", steps)
		require.Equal(t, overrun, pass(t, load(t, text, "b"), s, payload).Overrun)
	}
}

func TestAnItemThatIsTooExpensiveToDecideOnIsOverTheBounds(t *testing.T) {
	s := otlp.SignalMetrics
	it := item{Name: "a"}
	for i := range 200 {
		it.Attributes = append(it.Attributes, pair(fmt.Sprint(i), number(1)))
	}
	payload := encode(t, message(s, nil, it, item{Name: "b"}))
	filter := `{filter: {drop: 'attributes.all(a, attributes.all(b, a != "x"))'}}`
	out := pass(t, load(t, stages(s, filter)), s, payload)
	require.Equal(t, []string{"a"}, names(t, s, part(out, pipeline.Service).Payload))
	require.Equal(t, 1, out.Overrun)
	out = pass(t, load(t, stages(s, filter+", {mask: {keys: [x]}}")), s, payload)
	require.Empty(t, out.Parts)
	require.Equal(t, 1, out.Dropped[pipeline.Budget])
}
