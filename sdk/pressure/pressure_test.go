package pressure

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLossAndAFullQueueGiveWayAndRoomRecovers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before uint64
		now    Reading
		want   Verdict
	}{
		{"an empty queue", 0, Reading{}, Recover},
		{"half a queue", 0, Reading{Fill: Low}, Recover},
		{"in between", 0, Reading{Fill: 0.7}, Stay},
		{"a queue nearly full", 0, Reading{Fill: High}, GiveWay},
		{"one span lost with an empty queue", 0, Reading{Lost: 1}, GiveWay},
		{"losses of long ago", 5, Reading{Lost: 5}, Recover},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, judge(tc.before, tc.now)) })
	}
}

func TestAFollowerStepsAtMostOncePerInterval(t *testing.T) {
	at := time.Unix(0, 0)
	lost := uint64(3)
	f := Follow(func() Reading { return Reading{Lost: lost} }, time.Second, func() time.Time { return at })
	var got []Verdict
	step := func(after time.Duration) {
		at = at.Add(after)
		f.Step(func(v Verdict) { got = append(got, v) })
	}
	step(0)
	step(999 * time.Millisecond)
	require.Empty(t, got)
	step(time.Millisecond)
	lost = 4
	step(time.Second)
	step(time.Millisecond)
	step(time.Hour)
	require.Equal(t, []Verdict{Recover, GiveWay, Recover}, got, "losses before the start, once, and a long pause is one step")
}

func TestStepsOfManyGoroutinesDoNotOverlap(t *testing.T) {
	var at atomic.Int64
	f := Follow(func() Reading { return Reading{} }, time.Second, func() time.Time { return time.Unix(at.Load(), 0) })
	steps := 0 // the race detector watches
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				at.Add(1)
				f.Step(func(Verdict) { steps++ })
			}
		})
	}
	all.Wait()
	require.Positive(t, steps)
	require.LessOrEqual(t, steps, 8000)
}
