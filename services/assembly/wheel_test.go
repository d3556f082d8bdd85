package assembly

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/id"
)

func TestAWheelNeverComesLateAndComesOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		start := t0().UnixNano()
		w.advance(start)
		due := make(map[*trace]int64)
		now := start
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			for range rapid.IntRange(0, 3).Draw(t, "adds") {
				at := now + int64(rapid.IntRange(-1000, int(maxDeadline/time.Millisecond)).Draw(t, "ms"))*int64(time.Millisecond)
				tr := new(trace)
				due[tr] = max(at, now)
				w.add(at, turn{trace: tr})
			}
			now += int64(rapid.IntRange(0, 5000).Draw(t, "pass")) * int64(time.Millisecond)
			for _, c := range w.advance(now) {
				require.Contains(t, due, c.trace)
				require.LessOrEqual(t, due[c.trace], now)
				delete(due, c.trace)
			}
			for _, at := range due {
				require.Greater(t, at+2*int64(wheelTick), now)
			}
		}
	})
}

func TestATraceFindsCopiesHoweverManySpansItHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := trace{parts: []part{{batch: &batch{source: source{services: []string{"a", "b"}}}}}}
		seen := make(map[[10]byte]bool)
		for range rapid.IntRange(0, 300).Draw(t, "n") {
			e := entry{id: id.Span{1, rapid.Byte().Draw(t, "id")}, kind: rapid.Uint8Range(0, 5).Draw(t, "kind"), resource: rapid.Int32Range(0, 1).Draw(t, "service")}
			key := [10]byte(append(e.id[:], e.kind, byte(e.resource)))
			require.Equal(t, !seen[key], tr.add(e))
			seen[key] = true
		}
		require.Len(t, tr.entries, len(seen))
	})
}
