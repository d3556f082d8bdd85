package gather_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/services/ingestion/internal/gather"
)

func TestEveryRequestComesOutOnceInTheOrderOfItsTenantAndInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := gather.Limits{Window: 10 * time.Second, Bytes: rapid.IntRange(1, 300).Draw(t, "bytes")}
		g := gather.New(limits)
		now := time.Unix(1e9, 0)
		came, last := map[uint64]handoff.Batch{}, map[string]uint64{}
		added, held := uint64(0), 0
		take := func(t *rapid.T, until gather.Until) {
			for {
				batches, wait := g.Next(now, until)
				if batches == nil {
					require.LessOrEqual(t, held, limits.Bytes)
					require.Equal(t, len(came) > 0, wait > 0)
					require.LessOrEqual(t, wait, limits.Window)
					return
				}
				for _, b := range batches {
					require.Equal(t, batches[0].Tenant, b.Tenant)
					require.Contains(t, came, b.Position)
					require.Less(t, last[b.Tenant], b.Position)
					require.LessOrEqual(t, b.ReceiveTime.Sub(batches[0].ReceiveTime), limits.Window)
					delete(came, b.Position)
					last[b.Tenant] = b.Position
					held -= len(b.Payload)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				added++
				b := handoff.Batch{
					Position: added, Tenant: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tenant"), ReceiveTime: now,
					Payload: make([]byte, rapid.IntRange(1, 100).Draw(t, "size")),
				}
				came[added] = b
				held += len(b.Payload)
				g.Add(b, now)
				take(t, gather.Due)
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second)
				take(t, gather.Due)
				for _, b := range came {
					require.Less(t, now.Sub(b.ReceiveTime), limits.Window)
				}
			},
		})
		take(t, gather.Empty)
		require.Empty(t, came)
	})
}
