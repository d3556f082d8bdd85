package sampler

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

func TestThresholdsAreThoseOfTheSpecification(t *testing.T) {
	for _, tc := range []struct {
		ratio       float64
		significant int
		th          string
	}{
		{1, 4, "0"},
		{1.0 / 2, 4, "8"},
		{1.0 / 3, 4, "aaab"},
		{1.0 / 4, 4, "c"},
		{1.0 / 5, 4, "cccd"},
		{1.0 / 8, 4, "e"},
		{1.0 / 10, 4, "e666"},
		{1.0 / 16, 4, "f"},
		{1.0 / 100, 4, "fd70a"},
		{1.0 / 100, 5, "fd70a4"},
		{1.0 / 1000, 4, "ffbe77"},
		{1.0 / 10000, 4, "fff9724"},
		{minRatio, 4, "ffffffffffffff"},
		{0.99, 4, "028f6"},
		{1 - 0x1p-53, 4, "00000000000008"}, // the largest float64 below 1
	} {
		t.Run(fmt.Sprintf("%v at %d digits", tc.ratio, tc.significant), func(t *testing.T) {
			require.Equal(t, tc.th, fromRatio(tc.ratio, tc.significant).String())
		})
	}
}

func TestATraceIsKeptFromTheThresholdOn(t *testing.T) {
	half := Consistent(0.5)
	for _, tc := range []struct {
		name  string
		id    string
		state string
		keep  bool
		want  string
	}{
		{"just below", "ffffffffffffffffff7fffffffffffff", "", false, ""},
		{"at the threshold", "00000000000000000080000000000000", "", true, "ot=th:8"},
		{"only the last seven bytes count", "0000000000000001ff00000000000000", "", false, ""},
		{"rv goes before the id", "ffffffffffffffffffffffffffffffff", "ot=rv:7fffffffffffff", false, "ot=rv:7fffffffffffff"},
		{"rv keeps what the id would drop", "00000000000000000000000000000001", "ot=rv:80000000000000", true, "ot=th:8;rv:80000000000000"},
		{"an rv in capitals does not count", "ffffffffffffffffffffffffffffffff", "ot=rv:0000000000000A", true, "ot=th:8;rv:0000000000000A"},
		{"a short rv does not count", "ffffffffffffffffffffffffffffffff", "ot=rv:0", true, "ot=th:8;rv:0"},
		{"th is replaced", "ffffffffffffffffffffffffffffffff", "ot=th:c", true, "ot=th:8"},
		{"th goes when the span is dropped", "00000000000000000000000000000001", "ot=th:0", false, ""},
		{"unknown keys stay when th goes", "00000000000000000000000000000001", "ot=a:1;th:0;b:2", false, "ot=a:1;b:2"},
		{"unknown keys stay when th comes", "ffffffffffffffffffffffffffffffff", "ot=a:1;th:0;b:2", true, "ot=th:8;a:1;b:2"},
		{"other vendors keep their places", "ffffffffffffffffffffffffffffffff", "x=1,ot=a:1,y=2", true, "ot=th:8;a:1,x=1,y=2"},
		{"a dropped span without th is not touched", "00000000000000000000000000000001", "x=1,ot=a:1,y=2", false, "x=1,ot=a:1,y=2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := half.ShouldSample(parameters(t, tc.id, tc.state))
			require.Equal(t, tc.keep, got.Decision == sdktrace.RecordAndSample)
			require.Equal(t, tc.want, got.Tracestate.String())
		})
	}
}

func TestRatiosOutOfRangeKeepAllOrNothing(t *testing.T) {
	for _, tc := range []struct {
		ratio float64
		keep  bool
		want  string
	}{
		{1, true, "ot=th:0"},
		{7, true, "ot=th:0"},
		{math.Inf(1), true, "ot=th:0"},
		{0, false, ""},
		{-1, false, ""},
		{math.NaN(), false, ""},
		{minRatio / 2, false, ""},
	} {
		t.Run(fmt.Sprint(tc.ratio), func(t *testing.T) {
			s := Consistent(tc.ratio)
			id := "ffffffffffffffffffffffffffffffff"
			if tc.keep {
				id = "00000000000000000000000000000001"
			}
			got := s.ShouldSample(parameters(t, id, "ot=th:c"))
			require.Equal(t, tc.keep, got.Decision == sdktrace.RecordAndSample)
			require.Equal(t, tc.want, got.Tracestate.String())
			require.Equal(t, fmt.Sprintf("Consistent{%v}", tc.ratio), s.Description())
		})
	}
}

func TestAMemberThatWouldGrowTooLongGivesUpItsLastKeysButNotRv(t *testing.T) {
	long := "a:1;b:" + strings.Repeat("x", 222) + ";c:3;rv:80000000000000"
	require.Len(t, long, 250)
	got := Consistent(0.1).ShouldSample(parameters(t, "ffffffffffffffffffffffffffffffff", "ot="+long))
	require.Equal(t, sdktrace.Drop, got.Decision, "by its rv")
	got = Consistent(1.0 / 3).ShouldSample(parameters(t, "00000000000000000000000000000001", "ot="+strings.Replace(long, "rv:8", "rv:f", 1)))
	require.Equal(t, "th:aaab;a:1;b:"+strings.Repeat("x", 222)+";rv:f0000000000000", got.Tracestate.Get("ot"))
	require.LessOrEqual(t, len(got.Tracestate.Get("ot")), maxLength)
}

func TestWhatIsKeptAtARatioIsKeptAtEveryLargerOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Float64Range(0, 1).Draw(t, "small")
		large := rapid.Float64Range(small, 1).Draw(t, "large")
		p := sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: anID().Draw(t, "id")}
		if Consistent(small).ShouldSample(p).Decision == sdktrace.RecordAndSample {
			require.Equal(t, sdktrace.RecordAndSample, Consistent(large).ShouldSample(p).Decision)
		}
	})
}

func TestTheThresholdIsAsCloseToTheRatioAsItsPrecisionAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Down to where four significant digits fit into fourteen.
		ratio := math.Exp2(rapid.Float64Range(-38, 0).Draw(t, "log2 of ratio"))
		th := fromRatio(ratio, precision)
		stated := float64(space-uint64(th)) / space
		require.InEpsilon(t, ratio, stated, 0x1p-12, "four digits, of which the first may be 1")
	})
}

func TestTheStatedThresholdIsTheOneThatWasUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ratio := rapid.Float64Range(0, 1).Draw(t, "ratio")
		id := anID().Draw(t, "id")
		got := Consistent(ratio).ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: id})
		th, stated := strings.CutPrefix(got.Tracestate.Get("ot"), "th:")
		require.Equal(t, got.Decision == sdktrace.RecordAndSample, stated)
		if !stated {
			return
		}
		require.Regexp(t, "^(0|[0-9a-f]{0,13}[1-9a-f])$", th, "no trailing zeros")
		// Hex of equal length compares as numbers do.
		require.GreaterOrEqual(t, id.String()[18:], th+strings.Repeat("0", digits-len(th)))
	})
}

func TestForeignTracestateSurvives(t *testing.T) {
	pair := rapid.StringMatching(`[a-qs-z][a-z0-9]{0,4}:[A-Za-z0-9._-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		pairs := rapid.SliceOfN(pair, 0, 8).Filter(func(ps []string) bool {
			for _, p := range ps {
				if strings.HasPrefix(p, "th:") {
					return false
				}
			}
			return true
		}).Draw(t, "pairs of ot")
		vendors := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-n][a-z]{0,3}=[a-z0-9]{1,8}`), 0, 8,
			func(m string) string { key, _, _ := strings.Cut(m, "="); return key }).Draw(t, "others")
		members := vendors
		if len(pairs) > 0 {
			members = append([]string{"ot=" + strings.Join(pairs, ";")}, vendors...)
		}
		state, err := trace.ParseTraceState(strings.Join(members, ","))
		require.NoError(t, err)

		p := inState(anID().Draw(t, "id"), state)
		got := Consistent(rapid.Float64Range(0, 1).Draw(t, "ratio")).ShouldSample(p)
		left := otherPairs(got.Tracestate.Get("ot"))
		require.ElementsMatch(t, pairs, left)
		for _, v := range vendors {
			key, value, _ := strings.Cut(v, "=")
			require.Equal(t, value, got.Tracestate.Get(key))
		}
	})
}

func TestTheShareThatIsKeptIsTheRatio(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 200_000
	for _, ratio := range []float64{0.5, 1.0 / 3, 0.1, 0.01} {
		s := Consistent(ratio)
		kept := 0
		for range n {
			var id trace.TraceID
			binary.BigEndian.PutUint64(id[:8], rng.Uint64())
			binary.BigEndian.PutUint64(id[8:], rng.Uint64())
			if s.ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: id}).Decision == sdktrace.RecordAndSample {
				kept++
			}
		}
		// Four standard deviations of a binomial.
		require.InDelta(t, ratio*n, kept, 4*math.Sqrt(n*ratio*(1-ratio)), "ratio %v", ratio)
	}
}

func TestInsideParentBasedAWholeTraceCarriesItsRootsThreshold(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	root := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSampler(sdktrace.ParentBased(Consistent(0.5))))
	child := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSampler(sdktrace.ParentBased(Consistent(0.001))))
	for range 64 {
		ctx, above := root.Tracer("").Start(context.Background(), "root")
		_, below := child.Tracer("").Start(ctx, "child")
		require.Equal(t, above.SpanContext().IsSampled(), below.SpanContext().IsSampled())
		below.End()
		above.End()
	}
	spans := exporter.GetSpans()
	require.NotEmpty(t, spans)
	for _, s := range spans {
		require.Equal(t, "ot=th:8", s.SpanContext.TraceState().String())
	}
}

func anID() *rapid.Generator[trace.TraceID] {
	return rapid.Custom(func(t *rapid.T) (id trace.TraceID) {
		binary.BigEndian.PutUint64(id[:8], rapid.Uint64().Draw(t, "high"))
		binary.BigEndian.PutUint64(id[8:], rapid.Uint64Min(1).Draw(t, "low"))
		return id
	})
}

func parameters(t *testing.T, id, state string) sdktrace.SamplingParameters {
	t.Helper()
	parsed, err := trace.TraceIDFromHex(id)
	require.NoError(t, err)
	ts, err := trace.ParseTraceState(state)
	require.NoError(t, err)
	return inState(parsed, ts)
}

func inState(id trace.TraceID, state trace.TraceState) sdktrace.SamplingParameters {
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}, TraceState: state, Remote: true})
	return sdktrace.SamplingParameters{ParentContext: trace.ContextWithSpanContext(context.Background(), parent), TraceID: id}
}
