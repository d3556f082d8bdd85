package breaker

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// call makes one call at now and tells whether it was allowed.
func call(b *Breaker, now time.Time, o Outcome) bool {
	p, err := b.Allow(now)
	if err == nil {
		p.Done(now, o)
	}
	return err == nil
}

func TestFailuresInARowOpenIt(t *testing.T) {
	b := New(Settings{Failures: 3, Wait: func(int) time.Duration { return time.Second }})
	for _, o := range []Outcome{Failure, Failure, Success, Failure, Failure, Ignored} {
		require.True(t, call(b, start, o))
	}
	require.Equal(t, Closed, b.State(start))
	require.True(t, call(b, start, Failure))
	require.Equal(t, Open, b.State(start))
	_, err := b.Allow(start)
	require.ErrorIs(t, err, ErrOpen)
	ok, at := b.Ready(start)
	require.False(t, ok)
	require.Equal(t, start.Add(time.Second), at)
}

func TestAShareOfFailuresOpensItOnceThereAreEnoughCalls(t *testing.T) {
	b := New(Settings{Failures: 100, Ratio: 0.5, Least: 10, Window: 10 * time.Second})
	for i := range 9 {
		require.True(t, call(b, start, []Outcome{Success, Failure}[i%2]))
	}
	require.Equal(t, Closed, b.State(start))
	require.True(t, call(b, start, Failure))
	require.Equal(t, Open, b.State(start))
}

func TestFailuresThatAreLongAgoAreForgotten(t *testing.T) {
	b := New(Settings{Failures: 100, Ratio: 0.5, Least: 10, Window: 10 * time.Second})
	for range 9 {
		call(b, start, Failure)
	}
	for range 9 {
		call(b, start.Add(11*time.Second), Success)
	}
	call(b, start.Add(11*time.Second), Failure)
	require.Equal(t, Closed, b.State(start.Add(11*time.Second)))
}

func TestAProbeThatFailsOpensItForLongerAndOneThatSucceedsClosesIt(t *testing.T) {
	b := New(Settings{Failures: 1, Successes: 2, Wait: func(n int) time.Duration { return time.Duration(n) * time.Second }})
	now := start
	call(b, now, Failure)
	now = now.Add(time.Second)
	require.Equal(t, HalfOpen, b.State(now))
	require.True(t, call(b, now, Failure))
	now = now.Add(time.Second)
	require.Equal(t, Open, b.State(now), "the second wait is longer")
	now = now.Add(time.Second)
	require.True(t, call(b, now, Success))
	require.Equal(t, HalfOpen, b.State(now))
	require.True(t, call(b, now, Success))
	require.Equal(t, Closed, b.State(now))
}

func TestAProbeThatIsGivenUpMakesWayForTheNext(t *testing.T) {
	b := New(Settings{Failures: 1})
	call(b, start, Failure)
	now := start.Add(time.Minute)
	p, err := b.Allow(now)
	require.NoError(t, err)
	require.False(t, call(b, now, Success), "one at a time")
	ok, at := b.Ready(now)
	require.False(t, ok)
	require.Zero(t, at)
	p.Done(now, Ignored)
	p.Done(now, Failure) // void
	require.Equal(t, HalfOpen, b.State(now))
	require.True(t, call(b, now, Success))
}

func TestACallFromBeforeTheOpeningSaysNothing(t *testing.T) {
	b := New(Settings{Failures: 1})
	late, err := b.Allow(start)
	require.NoError(t, err)
	call(b, start, Failure)
	late.Done(start, Success)
	require.Equal(t, Open, b.State(start))
	now := start.Add(time.Minute)
	probe, err := b.Allow(now)
	require.NoError(t, err)
	late.Done(now, Failure)
	probe.Done(now, Success)
	require.Equal(t, Closed, b.State(now))
	Permit{}.Done(now, Failure)
}

// The model says what the doc says, by remembering every permit that is out.
func TestItFollowsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(1, 4).Draw(t, "failures")
		successes := rapid.IntRange(1, 3).Draw(t, "successes")
		wait := func(n int) time.Duration { return time.Duration(n) * time.Second }
		b := New(Settings{Failures: failures, Successes: successes, Wait: wait})
		type out struct {
			p    Permit
			live bool // its end counts
		}
		now, state, until := start, Closed, time.Time{}
		row, good, opened := 0, 0, 0
		var permits []out
		move := func(to State) {
			state, row, good = to, 0, 0
			for i := range permits {
				permits[i].live = false
			}
		}
		live := func() (n int) {
			for _, p := range permits {
				if p.live {
					n++
				}
			}
			return n
		}
		trip := func() {
			move(Open)
			opened++
			until = now.Add(wait(opened))
		}
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			},
			"allow": func(t *rapid.T) {
				if state == Open && !now.Before(until) {
					move(HalfOpen)
				}
				want := state == Closed || state == HalfOpen && live() == 0
				p, err := b.Allow(now)
				if (err == nil) != want {
					t.Fatalf("allow in %v with %d out: %v", state, live(), err)
				}
				if want {
					permits = append(permits, out{p, true})
				}
			},
			"done": func(t *rapid.T) {
				if len(permits) == 0 {
					t.Skip("nothing is out")
				}
				i := rapid.IntRange(0, len(permits)-1).Draw(t, "which")
				o := rapid.SampledFrom([]Outcome{Ignored, Success, Failure}).Draw(t, "outcome")
				done := permits[i]
				permits = append(permits[:i], permits[i+1:]...)
				done.p.Done(now, o)
				if !done.live {
					return
				}
				switch {
				case state == Closed && o == Success:
					row, opened = 0, 0
				case state == Closed && o == Failure:
					if row++; row == failures {
						trip()
					}
				case state == HalfOpen && o == Success:
					if good++; good == successes {
						move(Closed)
					}
				case state == HalfOpen && o == Failure:
					trip()
				}
			},
			"": func(t *rapid.T) {
				want := state
				if state == Open && !now.Before(until) {
					want = HalfOpen
				}
				if got := b.State(now); got != want {
					t.Fatalf("state %v, want %v", got, want)
				}
			},
		})
	})
}

func TestManyCallersNeverProbeTogether(t *testing.T) {
	b := New(Settings{Failures: 1, Successes: 1000, Wait: func(int) time.Duration { return time.Nanosecond }})
	call(b, start, Failure)
	now := start.Add(time.Second)
	var out, worst atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				p, err := b.Allow(now)
				if err != nil {
					continue
				}
				if n := out.Add(1); n > worst.Load() {
					worst.Store(n)
				}
				out.Add(-1)
				p.Done(now, Ignored)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(1), worst.Load())
}
