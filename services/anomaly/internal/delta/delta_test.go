package delta

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// whole is an integer total.
func whole(n int) Number { return Number{Int: int64(n), IsInt: true} }

func TestEveryPointSaysWhatWasAddedSinceTheOneBefore(t *testing.T) {
	type point struct {
		start, at int64
		total     int
		want      Step[Number]
	}
	added := func(n int, from int64) Step[Number] { return Step[Number]{Known: true, Added: whole(n), From: from} }
	reset := func(n int, from int64) Step[Number] {
		return Step[Number]{Known: true, Reset: true, Added: whole(n), From: from}
	}
	for name, points := range map[string][]point{
		"a later start":              {{1, 10, 10, Step[Number]{}}, {1, 20, 15, added(5, 10)}, {21, 30, 2, reset(2, 21)}, {21, 40, 5, added(3, 30)}},
		"a later start, higher":      {{1, 10, 10, Step[Number]{}}, {21, 30, 12, reset(12, 21)}},
		"a fall":                     {{1, 10, 10, Step[Number]{}}, {1, 20, 4, reset(4, 10)}, {1, 30, 6, added(2, 20)}},
		"a fall without a start":     {{0, 10, 10, Step[Number]{}}, {0, 20, 4, reset(4, 10)}},
		"sent again and late":        {{1, 10, 10, Step[Number]{}}, {1, 10, 10, Step[Number]{Late: true}}, {1, 9, 8, Step[Number]{Late: true}}, {1, 20, 11, added(1, 10)}},
		"a start that is not known":  {{1, 10, 10, Step[Number]{}}, {20, 20, 7, Step[Number]{Reset: true, Added: whole(7), From: 20}}, {20, 30, 9, added(2, 20)}},
		"last before a restart late": {{1, 10, 10, Step[Number]{}}, {21, 30, 2, reset(2, 21)}, {1, 20, 15, added(5, 10)}, {21, 40, 5, added(3, 30)}},
		"two under one name":         {{1, 10, 10, Step[Number]{}}, {2, 10, 3, reset(3, 2)}, {1, 20, 15, added(5, 10)}, {2, 20, 4, added(1, 10)}},
		"an earlier start, unseen":   {{5, 10, 10, Step[Number]{}}, {1, 20, 3, Step[Number]{}}, {1, 30, 4, added(1, 20)}, {5, 30, 11, added(1, 10)}},
		"a start that is told later": {{0, 10, 10, Step[Number]{}}, {1, 20, 12, added(2, 10)}, {1, 30, 13, added(1, 20)}, {31, 40, 5, reset(5, 31)}},
		"a start that is left out":   {{1, 10, 10, Step[Number]{}}, {0, 20, 12, added(2, 10)}, {1, 30, 13, added(1, 20)}},
		"no start, then a restart":   {{0, 10, 10, Step[Number]{}}, {15, 20, 12, reset(12, 15)}},
		"a start in the future":      {{1, 10, 10, Step[Number]{}}, {99, 20, 12, added(2, 10)}},
		"restarts beyond the bound":  {{1, 2, 1, Step[Number]{}}, {3, 4, 1, reset(1, 3)}, {5, 6, 1, reset(1, 5)}, {7, 8, 1, reset(1, 7)}, {1, 9, 4, Step[Number]{}}},
	} {
		t.Run(name, func(t *testing.T) {
			var s Stream[Number]
			for i, p := range points {
				require.Equal(t, p.want, s.Next(p.start, p.at, whole(p.total)), "point %d", i)
			}
			require.LessOrEqual(t, len(s.open), sequences)
		})
	}
}

// life is a process that counts from its start on.
type life struct {
	start  int64
	at     []int64
	totals []int
}

func lives(t *rapid.T) (all []life) {
	now := int64(1)
	for range rapid.IntRange(1, 4).Draw(t, "lives") {
		l, total := life{start: now}, 0
		for range rapid.IntRange(1, 8).Draw(t, "points") {
			now += rapid.Int64Range(1, 5).Draw(t, "pause")
			total += rapid.IntRange(0, 9).Draw(t, "added")
			l.at, l.totals = append(l.at, now), append(l.totals, total)
		}
		now++
		all = append(all, l)
	}
	return all
}

func TestInOrderEverythingButTheFirstTotalIsCountedOnceOverAllResets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, told := lives(t), rapid.Bool().Draw(t, "starts are told")
		var s Stream[Number]
		sum, resets, want, wantResets, last := 0, 0, -all[0].totals[0], 0, math.MinInt
		for _, l := range all {
			for i, at := range l.at {
				start := int64(0)
				if told {
					start = l.start
				}
				step := s.Next(start, at, whole(l.totals[i]))
				require.False(t, step.Late)
				require.GreaterOrEqual(t, step.Added.Int, int64(0))
				sum += int(step.Added.Int)
				if step.Reset {
					resets++
				}
				if !told && l.totals[i] >= last { // without a start a reset shows by a fall only
					want += l.totals[i] - max(0, last)
				} else if !told {
					want, wantResets = want+l.totals[i], wantResets+1
				}
				last = l.totals[i]
			}
			if told {
				want += l.totals[len(l.totals)-1]
				wantResets++
			}
		}
		if told {
			wantResets--
		}
		require.Equal(t, want, sum)
		require.Equal(t, wantResets, resets)
	})
}

func TestOutOfOrderAndRepeatedEachLifeAddsUpToTheDifferenceOfItsTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := lives(t)
		all = all[:min(len(all), sequences)]
		type sent struct{ life, point int }
		var order []sent
		for i, l := range all {
			for j := range l.at {
				order = append(order, sent{i, j}, sent{i, j})
			}
		}
		order = rapid.Permutation(order).Draw(t, "order")
		var s Stream[Number]
		sums, first, newest := make([]int, len(all)), make([]int, len(all)), -1
		seen := make([]bool, len(all))
		for _, o := range order {
			l := all[o.life]
			step := s.Next(l.start, l.at[o.point], whole(l.totals[o.point]))
			require.GreaterOrEqual(t, step.Added.Int, int64(0))
			if sums[o.life] += int(step.Added.Int); !seen[o.life] && (newest < 0 || o.life < newest) {
				first[o.life] = l.totals[o.point] // what came before is not known
			}
			seen[o.life], newest = true, max(newest, o.life)
		}
		for i, l := range all {
			require.Equal(t, l.totals[len(l.totals)-1]-first[i], sums[i])
		}
	})
}

func TestIntegersAreExactAndMixedNumbersAreNot(t *testing.T) {
	const large = int64(1)<<62 + 1
	added, ok := Number{Int: large + 1, IsInt: true}.Since(Number{Int: large, IsInt: true})
	require.True(t, ok)
	require.Equal(t, Number{Int: 1, IsInt: true}, added)
	added, ok = Number{Double: 2.5}.Since(Number{Int: 2, IsInt: true})
	require.True(t, ok)
	require.Equal(t, 0.5, added.Float())
	_, ok = Number{Int: math.MaxInt64, IsInt: true}.Since(Number{Int: math.MinInt64, IsInt: true})
	require.False(t, ok)
}
