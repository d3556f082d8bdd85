package ring

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCapacityIsTheNextPowerOfTwo(t *testing.T) {
	for _, tc := range []struct{ asked, got int }{{-1, 2}, {0, 2}, {1, 2}, {2, 2}, {3, 4}, {4, 4}, {5, 8}, {1000, 1024}, {1 << 16, 1 << 16}} {
		t.Run(fmt.Sprint(tc.asked), func(t *testing.T) {
			r := New[int](tc.asked)
			require.Equal(t, tc.got, r.Cap())
			for i := range tc.got {
				require.True(t, r.Offer(i))
			}
			require.False(t, r.Offer(-1))
			require.Equal(t, tc.got, r.Len())
		})
	}
}

func TestARingOfOneGoroutineIsABoundedQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New[int](rapid.IntRange(0, 9).Draw(t, "capacity"))
		var queue []int
		var accepted int
		isClosed := false
		t.Repeat(map[string]func(*rapid.T){
			"offer": func(t *rapid.T) {
				v := rapid.Int().Draw(t, "v")
				want := !isClosed && len(queue) < r.Cap()
				require.Equal(t, want, r.Offer(v))
				if want {
					queue = append(queue, v)
					accepted++
				}
			},
			"take": func(t *rapid.T) {
				v, ok := r.Take()
				require.Equal(t, len(queue) > 0, ok)
				if ok {
					require.Equal(t, queue[0], v)
					queue = queue[1:]
				}
			},
			"take batch": func(t *rapid.T) {
				dst := make([]int, rapid.IntRange(0, 20).Draw(t, "limit"))
				n := r.TakeBatch(dst)
				require.Equal(t, min(len(dst), len(queue)), n)
				require.True(t, slices.Equal(queue[:n], dst[:n]))
				queue = queue[n:]
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "chance") == 0 {
					r.Close()
					isClosed = true
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(queue), r.Len())
				require.Equal(t, uint64(accepted), r.Accepted())
				require.Equal(t, isClosed, r.Closed())
			},
		})
	})
}

func TestATakenValueIsNotHeldByTheRing(t *testing.T) {
	r := New[*int](4)
	for range 3 {
		require.True(t, r.Offer(new(int)))
	}
	require.Equal(t, 3, r.TakeBatch(make([]*int, 3)))
	for i := range r.slots {
		require.Nil(t, r.slots[i].value)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	r := New[*int](8)
	v := new(int)
	dst := make([]*int, 4)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r.Offer(v)
		r.Offer(v)
		r.Take()
		r.TakeBatch(dst)
	}))
}

// pair is two words, so that a torn value would show.
type pair struct{ producer, number int }

func TestManyProducersAndConsumersLoseAndDoubleNothingAndKeepEachProducersOrder(t *testing.T) {
	const producers, each = 8, 20_000
	for _, consumers := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d consumers", consumers), func(t *testing.T) {
			r := New[pair](64)
			var offering, taking sync.WaitGroup
			for p := range producers {
				offering.Go(func() {
					for n := 1; n <= each; {
						if r.Offer(pair{p, n}) {
							n++
						} else {
							runtime.Gosched()
						}
					}
				})
			}
			taken := make([][]pair, consumers)
			for c := range consumers {
				taking.Go(func() { taken[c] = takeAll(r) })
			}
			offering.Wait()
			r.Close()
			taking.Wait()

			seen := make(map[pair]bool)
			for _, values := range taken {
				var last [producers]int
				for _, v := range values {
					require.False(t, seen[v], "%v twice", v)
					seen[v] = true
					require.Greater(t, v.number, last[v.producer])
					last[v.producer] = v.number
				}
			}
			require.Len(t, seen, producers*each)
			require.Zero(t, r.Len())
		})
	}
}

// takeAll takes until the ring is closed and empty.
func takeAll(r *Ring[pair]) (all []pair) {
	var dst [7]pair
	for {
		isClosed := r.Closed() // before the look, or a value could come between the two
		n := r.TakeBatch(dst[:])
		all = append(all, dst[:n]...)
		if n > 0 {
			continue
		}
		if isClosed && r.Len() == 0 {
			return all
		}
		runtime.Gosched()
	}
}

func TestAfterCloseTheNumberOfAcceptedValuesIsFinal(t *testing.T) {
	const producers = 4
	for range 200 {
		r := New[int](1 << 10)
		var offering sync.WaitGroup
		var mu sync.Mutex // guards accepted
		accepted := 0
		for range producers {
			offering.Go(func() {
				n := 0
				for r.Offer(n) && n < 100 {
					n++
				}
				mu.Lock()
				defer mu.Unlock()
				accepted += n
				if n == 100 {
					accepted++
				}
			})
		}
		r.Close()
		final := r.Accepted()
		offering.Wait()
		require.Equal(t, uint64(accepted), final)
		require.Equal(t, accepted, r.TakeBatch(make([]int, r.Cap())))
	}
}
