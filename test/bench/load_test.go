package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// full refuses every export for an hour.
type full struct{}

func (full) close() {}

func (full) send(context.Context, []byte) error { return &refusal{delay: time.Hour, text: "full"} }

func TestARefusalThatOutlastsTheLoadIsWaitedForToItsEndOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sent
		start := time.Now()
		end := start.Add(20 * time.Second)
		taken, err := s.export(t.Context(), full{}, nil, start, end)
		require.NoError(t, err)
		require.False(t, taken)
		require.Equal(t, sent{refused: 1, waited: 20 * time.Second}, s)
		require.Equal(t, end, time.Now())
	})
}

func TestWhatIsDueAtARateIsCounted(t *testing.T) {
	l := load{duration: 2 * time.Second, rate: 1000, connections: 3, shape: shopShape(512)}
	require.Equal(t, 4, l.due(), "at 0, 0.512, 1.024 and 1.536 s")
	l.duration = 2048 * time.Millisecond
	require.Equal(t, 4, l.due(), "the end is not within")
}
