package shop

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMoreWorkThanWorkersQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2, 0.1, time.Now())
		start := time.Now()
		var done sync.WaitGroup
		for range 6 {
			done.Go(func() { assert.NoError(t, p.hold(t.Context(), time.Second)) })
		}
		done.Wait()
		require.Equal(t, 3*time.Second, time.Since(start), "six jobs of a second for two workers")
		require.InDelta(t, maxUtilization, p.utilization(time.Now()), 1e-9)
	})
}

func TestUtilizationIsTheShareOfWorkerTimeSinceTheLastReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(4, 0.1, time.Now())
		require.NoError(t, p.hold(t.Context(), time.Second))
		time.Sleep(time.Second) // of the bubble's clock
		require.InDelta(t, 0.1+(maxUtilization-0.1)/8, p.utilization(time.Now()), 1e-9, "one of four, half of the time")
		time.Sleep(time.Second)
		require.InDelta(t, 0.1, p.utilization(time.Now()), 1e-9)
	})
}

func TestAnOverloadedPoolMakesWorkWaitButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2, 0.1, time.Now())
		ctx, stop := context.WithCancel(t.Context())
		var hogs sync.WaitGroup
		hogs.Go(func() { p.overload(ctx) })
		synctest.Wait()

		start := time.Now()
		require.NoError(t, p.hold(t.Context(), 10*time.Millisecond))
		waited := time.Since(start) - 10*time.Millisecond
		require.GreaterOrEqual(t, waited, (hogsPerWorker-1)*hogHolds)
		require.LessOrEqual(t, waited, hogsPerWorker*hogHolds)

		stop()
		hogs.Wait()
	})
}

func TestWaitingForAWorkerEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 0, time.Now())
		var first sync.WaitGroup
		first.Go(func() { assert.NoError(t, p.hold(t.Context(), time.Minute)) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.hold(ctx, time.Second), context.DeadlineExceeded)
		first.Wait()
	})
}
