package handoff_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
)

func TestTheTrackerGivesTheLastPositionBeforeTheFirstOpenOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tr handoff.Tracker
		var begun []uint64
		done := make(map[uint64]bool)
		next := uint64(1)
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				next += rapid.Uint64Range(0, 3).Draw(t, "gap")
				require.True(t, tr.Begin(next))
				require.False(t, tr.Begin(next))
				begun = append(begun, next)
				next++
			},
			"done": func(t *rapid.T) {
				p := rapid.Uint64Range(0, next+1).Draw(t, "position")
				tr.Done(p)
				done[p] = p < next
			},
			"": func(t *rapid.T) {
				var want uint64
				open := len(begun)
				for _, p := range begun {
					if !done[p] {
						break
					}
					want, open = p, open-1
				}
				require.Equal(t, want, tr.Position())
				require.Equal(t, open, tr.Open())
			},
		})
	})
}
