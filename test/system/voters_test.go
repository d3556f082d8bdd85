package system

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// voter is a sampling process.
type voter struct {
	*process
	client samplingv1.SamplingServiceClient
}

// TestNoDecisionIsLostOrDiffersWhenTheLeaderIsKilled proposes through all three voters while the leader is killed.
func TestNoDecisionIsLostOrDiffersWhenTheLeaderIsKilled(t *testing.T) {
	data, ports := t.TempDir(), freePorts(t, 6)
	var raft, rpc []string
	for i := range 3 {
		raft = append(raft, fmt.Sprintf("v%d=127.0.0.1:%s", i, ports[i]))
		rpc = append(rpc, fmt.Sprintf("v%d=127.0.0.1:%s", i, ports[3+i]))
	}
	begin := func(i int) *voter {
		p := start(t, "sampling", "--data", fmt.Sprintf("%s/v%d", data, i), "--listen", "127.0.0.1:"+ports[3+i], "--admin", "127.0.0.1:0",
			"--sampling-node", fmt.Sprintf("v%d", i), "--sampling-raft", "127.0.0.1:"+ports[i],
			"--sampling-voters", strings.Join(raft, ";"), "--sampling-voter-rpc", strings.Join(rpc, ";"))
		conn, err := grpc.NewClient("127.0.0.1:"+ports[3+i], grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		return &voter{p, samplingv1.NewSamplingServiceClient(conn)}
	}
	var voters [3]*voter
	for i := range voters {
		voters[i] = begin(i)
	}
	leader := leaderOf(t, voters[:])

	var mu sync.Mutex
	acknowledged := map[string]samplingv1.Verdict{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 6 {
		client := voters[w%3].client
		wg.Go(func() {
			for n := uint64(0); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				trace := hex.EncodeToString([]byte(fmt.Sprintf("%02d%014x", w, n*0x9e3779b97f4a7c15>>8)))
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				got, err := client.Decide(ctx, &samplingv1.DecideRequest{Traces: []*samplingv1.TraceFacts{{TraceId: trace, SpanCount: 1}}})
				cancel()
				if err == nil {
					mu.Lock()
					acknowledged[trace] = got.GetDecisions()[0].GetVerdict()
					mu.Unlock()
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	front := voters[(leader+1)%3]
	front.await(time.Minute, "decisions", func() bool { return count() > 500 })
	voters[leader].kill()
	atDeath := count()
	front.await(time.Minute, "decisions under a new leader", func() bool { return count() > atDeath+500 })
	close(stop)
	wg.Wait()
	voters[leader] = begin(leader)

	for i, v := range voters {
		v.await(time.Minute, "all decisions", func() bool { return same(v.client, acknowledged) })
		t.Logf("v%d has all %d decisions, %d of them from before the kill", i, len(acknowledged), atDeath)
	}
}

// same says whether the voter answers every decision as it was acknowledged.
func same(client samplingv1.SamplingServiceClient, want map[string]samplingv1.Verdict) bool {
	for trace, verdict := range want {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		got, err := client.GetDecision(ctx, &samplingv1.GetDecisionRequest{TraceId: trace})
		cancel()
		if err != nil || got.GetDecision().GetVerdict() != verdict {
			return false
		}
	}
	return true
}

// leaderOf waits until the voters agree on a leader and gives its index.
func leaderOf(t *testing.T, voters []*voter) (leader int) {
	t.Helper()
	voters[0].await(time.Minute, "leader", func() bool {
		got, err := voters[0].client.GetCluster(t.Context(), &samplingv1.GetClusterRequest{})
		if err != nil {
			return false
		}
		for i := range voters {
			if got.GetLeaderId() == fmt.Sprintf("v%d", i) {
				leader = i
				return true
			}
		}
		return false
	})
	return leader
}
