package detect

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// feed adds values five seconds apart and tells the changes by the index of the point.
type feed struct {
	s       *Series
	n       int
	changes map[int]Change
	last    Anomaly
}

func newFeed(k Kind) *feed { return &feed{s: New(k, settings()), changes: map[int]Change{}} }

func (f *feed) add(weight float64, values ...float64) {
	for _, v := range values {
		_, change, a := f.s.Add(Point{At: int64(f.n+1) * 5e9, Value: v, Weight: weight})
		if change != None {
			f.changes[f.n], f.last = change, a
		}
		f.n++
	}
}

func repeat(v float64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = v
	}
	return values
}

func TestAnAnomalyOpensGrowsAndCloses(t *testing.T) {
	f := newFeed(Ratio)
	f.add(100, repeat(0, 12)...)
	f.add(100, 0.5, 0.5, 0.6)
	require.Equal(t, map[int]Change{13: Opened, 14: Grew}, f.changes)
	require.True(t, f.last.Up)
	require.Equal(t, 0.6, f.last.Value)
	require.Zero(t, f.last.Expected)
	require.Equal(t, int64(13)*5e9, f.last.Start)
	require.Greater(t, f.last.Score, 6.0)
	require.Greater(t, f.last.Confidence, 0.9)
	f.add(100, 0, 0, 0)
	require.Equal(t, Closed, f.changes[17])
	require.Equal(t, int64(15)*5e9, f.last.Last)
	require.Equal(t, int64(18)*5e9, f.last.End)
}

func TestTheFirstPointsAreNotJudged(t *testing.T) {
	f := newFeed(Gauge)
	f.add(0, 1, 1000, 1, 1000, 1, 1000, 1, 1000)
	require.Empty(t, f.changes)
}

func TestOnePointAloneIsAnOutlier(t *testing.T) {
	f := newFeed(Duration)
	f.add(100, repeat(0.02, 40)...)
	f.add(100, 9)
	f.add(100, repeat(0.02, 10)...)
	require.Empty(t, f.changes)
}

func TestAConstantPastDoesNotMakeASmallStepStrange(t *testing.T) {
	for k, step := range map[Kind][2]float64{
		Gauge: {100, 120}, Ratio: {0, 0.01}, Duration: {0.02, 0.024}, Utilization: {0.5, 0.55}, Fanout: {1, 1.1}, Rate: {100, 110},
	} {
		f := newFeed(k)
		f.add(1000, repeat(step[0], 40)...)
		f.add(1000, repeat(step[1], 20)...)
		require.Empty(t, f.changes, "kind %d", k)
	}
}

func TestAPastOfZerosDividesNothing(t *testing.T) {
	for k, step := range map[Kind]float64{Gauge: 50, Ratio: 0.5, Duration: 0.5, Utilization: 0.9, Fanout: 3, Rate: 50} {
		f := newFeed(k)
		f.add(0, repeat(0, 40)...)
		f.add(100, repeat(step, 4)...)
		require.NotEmpty(t, f.changes, "kind %d", k)
		require.False(t, math.IsInf(f.last.Score, 0) || math.IsNaN(f.last.Score))
		require.Positive(t, f.last.Scale)
	}
}

func TestPointsThatAreNotNumbersOrLateAreNotTaken(t *testing.T) {
	s := New(Gauge, settings())
	for _, c := range []struct {
		point Point
		want  Result
	}{
		{Point{At: 10, Value: math.NaN()}, NotFinite},
		{Point{At: 10, Value: math.Inf(1)}, NotFinite},
		{Point{At: 10, Value: 1, Weight: -1}, NotFinite},
		{Point{At: 10, Value: 1}, Taken},
		{Point{At: 10, Value: 1}, Late},
		{Point{At: 9, Value: 1}, Late},
		{Point{At: 11, Value: 1}, Taken},
	} {
		got, change, _ := s.Add(c.point)
		require.Equal(t, c.want, got)
		require.Equal(t, None, change)
	}
	require.Len(t, s.Points(), 2)
}

func TestPointsWithFewObservationsAreJudgedTogether(t *testing.T) {
	f := newFeed(Ratio)
	f.add(2, repeat(0, 60)...)
	f.add(2, repeat(1, 12)...)
	require.Contains(t, f.changes, 65) // six light points are two
	require.Len(t, f.changes, 3)
}

func TestNoObservationsAreNoVerdict(t *testing.T) {
	f := newFeed(Ratio)
	f.add(50, repeat(1, 20)...)
	f.add(0, repeat(0, 20)...)
	require.Empty(t, f.changes)
}

func TestALongAnomalyBecomesTheNewLevel(t *testing.T) {
	f := newFeed(Gauge)
	f.add(0, repeat(0.2, 40)...)
	f.add(0, repeat(0.8, 400)...)
	require.Nil(t, f.s.Open())
	at := f.n
	f.add(0, repeat(0.2, 4)...)
	require.Equal(t, Opened, f.changes[at+1])
	require.False(t, f.last.Up)
	require.Equal(t, 0.8, f.last.Expected)
}

func TestOnlyARiseOfAResourceInUseIsJudged(t *testing.T) {
	for k, level := range map[Kind]float64{Utilization: 0.8, Backlog: 100, Shown: 0.8} {
		f := newFeed(k)
		f.add(0, repeat(level, 40)...)
		f.add(0, repeat(0, 10)...)
		require.Empty(t, f.changes, "kind %d", k)
	}
	f := newFeed(Backlog)
	f.add(0, repeat(0, 40)...)
	f.add(0, 5, 3, 9, 4)
	require.Empty(t, f.changes)
	f.add(0, repeat(60, 3)...)
	require.NotEmpty(t, f.changes)
}

func TestAnAnomalyDoesNotTeachItsBaseline(t *testing.T) {
	f := newFeed(Utilization)
	f.add(0, repeat(0.2, 40)...)
	f.add(0, repeat(0.8, 100)...)
	require.NotNil(t, f.s.Open())
	require.Equal(t, 0.2, f.s.base.median())
	require.InDelta(t, 0.2, f.s.base.ewma.mean, 1e-9)
}

func TestASilentSeriesEndsItsAnomaly(t *testing.T) {
	f := newFeed(Ratio)
	f.add(100, repeat(0, 12)...)
	f.add(100, 0.5, 0.5)
	change, a := f.s.Silence(99e9)
	require.Equal(t, Closed, change)
	require.Equal(t, int64(99e9), a.End)
	change, _ = f.s.Silence(100e9)
	require.Equal(t, None, change)
}

func TestANewRateHasThePastThatItsServiceHad(t *testing.T) {
	p := Point{At: 1000e9, Value: 4, Weight: 20} // four a second, in five seconds
	for since, want := range map[int64]int{900e9: 20, 998e9: 0, 2000e9: 0, 0: 200} {
		s := New(Rate, settings())
		s.Quiet(since, p)
		require.Len(t, s.Points(), min(want, settings().Window))
		result, _, _ := s.Add(p)
		require.Equal(t, Taken, result)
	}
}

func TestMemoryOfPointsIsBounded(t *testing.T) {
	f := newFeed(Gauge)
	f.add(0, repeat(1, 2000)...)
	require.Len(t, f.s.Points(), settings().Keep)
	require.Equal(t, int64(2000)*5e9, f.s.LastAt())
	require.Equal(t, settings().Window, f.s.base.size())
}
