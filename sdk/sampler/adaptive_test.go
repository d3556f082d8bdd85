package sampler

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/triflow/triflow/sdk/pressure"
)

func TestAnAdaptiveRatioFallsToItsFloorAndRecoversToItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading := pressure.Reading{Fill: 1}
		a, err := NewAdaptive(0.5, 0.05, time.Second, func() pressure.Reading { return reading })
		require.NoError(t, err)
		p := parameters(t, "ffffffffffffffffffffffffffffffff", "")
		run := func() {
			for range 60 {
				<-time.After(time.Second) // by the clock of the bubble
				a.ShouldSample(p)
				require.GreaterOrEqual(t, a.ratio, 0.05)
				require.LessOrEqual(t, a.ratio, 0.5)
			}
		}
		run()
		require.Equal(t, 0.05, a.ratio)
		reading = pressure.Reading{}
		run()
		require.Equal(t, "ot=th:8", a.ShouldSample(p).Tracestate.String())
	})
}

func TestAStepIsAFactorOfNineTenthsUnderErrorsAndElevenTenthsWithRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reading pressure.Reading
		a, err := NewAdaptive(0.5, 0.4, time.Second, func() pressure.Reading { return reading })
		require.NoError(t, err)
		for _, step := range []struct {
			name  string
			fill  float64
			lost  uint64 // in this interval
			ratio float64
		}{
			{"at its target it does not rise", 0, 0, 0.5},
			{"an error", 0, 1, 0.5 * 0.9},
			{"another", 0.6, 512, 0.5 * 0.9 * 0.9},
			{"the floor", 0, 1, 0.4},
			{"neither errors nor room", 0.6, 0, 0.4},
			{"room", 0.5, 0, 0.4 * 1.1},
			{"more room", 0, 0, 0.4 * 1.1 * 1.1},
			{"a queue nearly full", 0.8, 0, 0.4 * 1.1 * 1.1 * 0.9},
			{"room again", 0, 0, 0.4 * 1.1 * 1.1 * 0.9 * 1.1},
			{"the target", 0, 0, 0.5},
		} {
			reading.Fill = step.fill
			reading.Lost += step.lost
			<-time.After(time.Second) // by the clock of the bubble
			for range 3 {             // spans of one interval make one step
				a.ShouldSample(parameters(t, "ffffffffffffffffffffffffffffffff", ""))
			}
			require.InDelta(t, step.ratio, a.ratio, 1e-12, step.name)
		}
	})
}

func TestCountsStayRightWhileTheRatioMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, perSecond = 300_000, 1000
		rng := rand.New(rand.NewPCG(3, 4))
		var reading pressure.Reading
		a, err := NewAdaptive(0.5, 0.01, time.Second, func() pressure.Reading { return reading })
		require.NoError(t, err)
		var counted, variance float64
		ratios := map[float64]bool{}
		for i := range n {
			if i%perSecond == 0 {
				<-time.After(time.Second) // by the clock of the bubble
				reading.Fill = float64(i / perSecond / 50 % 2)
			}
			var id trace.TraceID
			binary.BigEndian.PutUint64(id[8:], rng.Uint64())
			got := a.ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: id})
			ratios[a.ratio] = true
			variance += 1/a.ratio - 1
			if got.Decision == sdktrace.RecordAndSample {
				counted += adjustedCount(t, got.Tracestate)
			}
		}
		require.Greater(t, len(ratios), 40, "the ratio moved")
		// Four standard deviations of the Horvitz-Thompson estimator.
		require.InDelta(t, n, counted, 4*math.Sqrt(variance))
	})
}

// adjustedCount is what a reader of the tracestate counts the span as, 2^56 / (2^56 - T).
func adjustedCount(t *testing.T, state trace.TraceState) float64 {
	t.Helper()
	th, ok := strings.CutPrefix(state.Get("ot"), "th:")
	require.True(t, ok)
	rejected, err := strconv.ParseUint(th+strings.Repeat("0", 14-len(th)), 16, 64)
	require.NoError(t, err)
	return math.Exp2(56) / (math.Exp2(56) - float64(rejected))
}

func TestInsideParentBasedATraceKeepsTheRatioItBeganWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter := tracetest.NewInMemoryExporter()
		a, err := NewAdaptive(1, 0.25, time.Second, func() pressure.Reading { return pressure.Reading{Fill: 1} })
		require.NoError(t, err)
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSampler(sdktrace.ParentBased(a))).Tracer("")
		ctx, root := tracer.Start(t.Context(), "root")
		for range 60 {
			<-time.After(time.Second) // by the clock of the bubble
			_, other := tracer.Start(t.Context(), "other root")
			other.End()
			_, child := tracer.Start(ctx, "child")
			child.End()
		}
		root.End()
		require.Equal(t, 0.25, a.ratio)
		for _, s := range exporter.GetSpans() {
			if s.SpanContext.TraceID() == root.SpanContext().TraceID() {
				require.Equal(t, "ot=th:0", s.SpanContext.TraceState().String(), s.Name)
			} else {
				require.NotEqual(t, "ot=th:0", s.SpanContext.TraceState().String(), s.Name)
			}
		}
	})
}

func TestRatiosAndIntervalsOutOfRangeAreRefused(t *testing.T) {
	source := func() pressure.Reading { return pressure.Reading{} }
	for _, tc := range []struct {
		target, floor float64
		interval      time.Duration
		source        func() pressure.Reading
		fault         string
	}{
		{1, minRatio, 1, source, ""},
		{0.5, 0.5, time.Second, source, ""},
		{0.5, 0.6, time.Second, source, "floor 0.6 and target 0.5"},
		{1.1, 0.1, time.Second, source, "target 1.1"},
		{0.5, 0, time.Second, source, "floor 0"},
		{0.5, -1, time.Second, source, "floor -1"},
		{math.NaN(), 0.1, time.Second, source, "target NaN"},
		{0.5, math.NaN(), time.Second, source, "floor NaN"},
		{0.5, 0.1, 0, source, "interval: 0s"},
		{0.5, 0.1, -time.Second, source, "interval: -1s"},
		{0.5, 0.1, time.Second, nil, "source: nil"},
	} {
		t.Run(fmt.Sprint(tc.target, tc.floor, tc.interval, tc.source == nil), func(t *testing.T) {
			a, err := NewAdaptive(tc.target, tc.floor, tc.interval, tc.source)
			if tc.fault == "" {
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("Adaptive{%v}", tc.target), a.Description())
				return
			}
			require.ErrorContains(t, err, tc.fault)
			require.Nil(t, a)
		})
	}
	_, err := NewAdaptive(2, 0, 0, nil)
	for _, fault := range []string{"ratios", "interval", "source"} {
		require.ErrorContains(t, err, fault, "every fault at once")
	}
}

func TestManyGoroutinesSampleWhileTheRatioMoves(t *testing.T) {
	a, err := NewAdaptive(0.5, 0.05, time.Nanosecond, func() pressure.Reading { return pressure.Reading{Fill: rand.Float64()} })
	require.NoError(t, err)
	p := parameters(t, "ffffffffffffffffffffffffffffffff", "")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				if a.ShouldSample(p).Decision != sdktrace.RecordAndSample {
					t.Error("the largest R is kept at every ratio")
				}
			}
		})
	}
	all.Wait()
}
