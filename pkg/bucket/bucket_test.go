package bucket_test

import (
	"math"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/bucket"
)

var start = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func TestATakeFindsItsTokensOrHearsHowLongToWait(t *testing.T) {
	type step struct {
		at   time.Duration
		n    int
		wait time.Duration // -1: granted
	}
	const ok = -1
	for name, c := range map[string]struct {
		rate, burst float64
		steps       []step
	}{
		"a full bucket grants its burst at once":      {10, 3, []step{{0, 1, ok}, {0, 2, ok}, {0, 1, 100 * time.Millisecond}}},
		"a fraction of a token is kept":               {0.1, 1, []step{{0, 1, ok}, {4 * time.Second, 1, 6 * time.Second}, {10 * time.Second, 1, ok}}},
		"asking often does not delay":                 {1, 1, []step{{0, 1, ok}, {3e8, 1, 7e8}, {6e8, 1, 4e8}, {1e9, 1, ok}}},
		"a take above burst waits for a full bucket":  {10, 5, []step{{0, 1, ok}, {0, 50, 100 * time.Millisecond}, {1e8, 50, ok}}},
		"a take above burst is owed":                  {10, 5, []step{{0, 50, ok}, {0, 1, 4600 * time.Millisecond}, {46e8, 1, ok}}},
		"a clock that goes back fills nothing":        {1, 1, []step{{1e9, 1, ok}, {0, 1, 2e9}, {1e9, 1, 1e9}, {2e9, 1, ok}}},
		"years of idling make it full and not fuller": {1e12, 10, []step{{0, 10, ok}, {200 * 365 * 24 * time.Hour, 10, ok}, {200 * 365 * 24 * time.Hour, 1, 1}}},
		"a very slow bucket waits as long as can be":  {1e-300, 1, []step{{0, 1, ok}, {0, 1, math.MaxInt64}}},
		"nothing is always there":                     {1, 1, []step{{0, 5, ok}, {0, 0, ok}, {0, -3, ok}, {0, 1, 5e9}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := bucket.New(c.rate, c.burst)
			for i, s := range c.steps {
				wait, granted := b.Take(start.Add(s.at), s.n)
				require.Equal(t, s.wait == ok, granted, "step %d, wait %s", i, wait)
				if !granted {
					require.Equal(t, s.wait, wait, "step %d", i)
				}
			}
		})
	}
}

func TestNilGrantsEverythingAndZeroNothing(t *testing.T) {
	var none *bucket.Bucket
	_, ok := none.Take(start, math.MaxInt)
	require.True(t, ok)
	require.True(t, none.Full(start))
	none.Return(1)
	var zero bucket.Bucket
	wait, ok := zero.Take(start, 1)
	require.False(t, ok)
	require.Equal(t, time.Duration(math.MaxInt64), wait)
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		require.Panics(t, func() { bucket.New(bad, 1) })
		require.Panics(t, func() { bucket.New(1, bad) })
	}
}

func TestWhatIsReturnedCanBeTakenAgainButNeverMoreThanBurst(t *testing.T) {
	b := bucket.New(1, 4)
	_, ok := b.Take(start, 4)
	require.True(t, ok)
	require.False(t, b.Full(start))
	b.Return(3)
	_, ok = b.Take(start, 3)
	require.True(t, ok)
	b.Return(100)
	require.True(t, b.Full(start))
	_, ok = b.Take(start, 4)
	require.True(t, ok)
	_, ok = b.Take(start, 1)
	require.False(t, ok)
}

// grant is a take that was granted.
type grant struct {
	at time.Duration
	n  int
}

// model is a bucket in exact arithmetic that is told the decisions and judges them.
type model struct {
	rate, burst, tokens *big.Rat
	at                  time.Duration // of the last grant
}

func rat(f float64) *big.Rat { return new(big.Rat).SetFloat64(f) }

func (m *model) level(at time.Duration) *big.Rat {
	level := big.NewRat(int64(max(0, at-m.at)), int64(time.Second))
	level.Add(m.tokens, level.Mul(level, m.rate))
	if level.Cmp(m.burst) > 0 {
		level.Set(m.burst)
	}
	return level
}

// lacks is what an exact bucket lacks for n, below 0 if there is more.
func (m *model) lacks(at time.Duration, n int) float64 {
	need := new(big.Rat).SetInt64(int64(n))
	if need.Cmp(m.burst) > 0 {
		need.Set(m.burst)
	}
	f, _ := need.Sub(need, m.level(at)).Float64()
	return f
}

func (m *model) grant(at time.Duration, n int) {
	m.tokens = m.level(at)
	m.tokens.Sub(m.tokens, new(big.Rat).SetInt64(int64(n)))
	m.at = max(m.at, at)
}

func TestEveryAnswerIsThatOfAnExactBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := math.Pow(10, rapid.Float64Range(-3, 7).Draw(t, "log rate"))
		burst := rate * math.Pow(10, rapid.Float64Range(-2, 4).Draw(t, "log seconds")) // tests end before time does
		b, m := bucket.New(rate, burst), &model{rat(rate), rat(burst), rat(burst), 0}
		most, at := 1, time.Duration(0)
		var grants []grant
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at = max(0, at+time.Duration(rapid.Float64Range(-1, 4).Draw(t, "step")*burst/rate*1e9/4))
			n := 1 + rapid.IntRange(0, int(burst*2)).Draw(t, "n")
			most = max(most, n)
			tolerance := math.Ldexp(burst+float64(most), -40)
			wait, ok := b.Take(start.Add(at), n)
			if !ok {
				require.Greater(t, m.lacks(at, n), 0.0, "refused although it was there")
				require.Greater(t, wait, time.Duration(0))
				continue
			}
			require.Less(t, m.lacks(at, n), tolerance, "granted although it was not there")
			m.grant(at, n)
			grants = append(grants, grant{m.at, n})
		}
		for i := range grants { // the promise of the package, for every interval
			sum, largest := 0.0, burst
			for _, g := range grants[i:] {
				sum, largest = sum+float64(g.n), max(largest, float64(g.n))
				want := largest + rate*(g.at-grants[i].at).Seconds()
				require.LessOrEqual(t, sum, want*(1+0x1p-40))
			}
		}
	})
}

func TestAClientThatWaitsAsToldGetsThroughAtTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := math.Pow(10, rapid.Float64Range(-3, 7).Draw(t, "log rate"))
		burst := rate * math.Pow(10, rapid.Float64Range(-2, 4).Draw(t, "log seconds")) // tests end before time does
		b, at, sum := bucket.New(rate, burst), time.Duration(0), 0.0
		takes := rapid.SliceOfN(rapid.IntRange(1, 1+int(3*burst)), 1, 50).Draw(t, "takes")
		for _, n := range takes {
			wait, ok := b.Take(start.Add(at), n)
			if !ok {
				at += wait
				_, ok = b.Take(start.Add(at), n)
				require.True(t, ok, "waited %s for %d", wait, n)
			}
			sum += float64(n)
		}
		// All but the first filling had to be waited for, and nothing beyond: an exact client needs (sum − burst)/rate, of
		// which the last, if it is owed, need not be waited for. Each wait is rounded up to a nanosecond.
		atMost := max(0, sum-burst)/rate + float64(len(takes))*1e-9
		require.LessOrEqual(t, at.Seconds(), atMost*(1+0x1p-40)+1e-9)
	})
}

func TestManyGoroutinesTogetherAreGrantedTheBurst(t *testing.T) {
	b := bucket.New(1, 1000)
	var granted atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if _, ok := b.Take(start, 1); ok {
					granted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1000, granted.Load())
}

func BenchmarkTake(b *testing.B) {
	k, now := bucket.New(1e9, 1e9), start
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(10)
		k.Take(now, 1)
	}
}
