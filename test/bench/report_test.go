package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// balanced are settled ledgers of n spans.
func balanced(n uint64) ledgers {
	return ledgers{
		in: &ingestionv1.SignalLedger{Accepted: n, Done: n},
		out: &assemblyv1.GetLedgerResponse{
			Received: n, Kept: n / 4, Dropped: []*assemblyv1.DroppedCount{{Reason: "sampled_out", Spans: n - n/4}},
		},
	}
}

func TestLedgersThatDoNotAddUpAreTold(t *testing.T) {
	for name, change := range map[string]func(l ledgers){
		"accepted":  func(l ledgers) { l.in.Accepted++ },
		"received":  func(l ledgers) { l.out.Received-- },
		"kept":      func(l ledgers) { l.out.Kept-- },
		"duplicate": func(l ledgers) { l.out.Duplicates++; l.out.Kept-- },
	} {
		l := balanced(512)
		require.NoError(t, l.check(512))
		change(l)
		require.ErrorContains(t, l.check(512), name)
	}
}

func TestLedgersAreSettledWhenNothingIsOnItsWay(t *testing.T) {
	require.True(t, balanced(8).settled())
	for _, change := range []func(l ledgers){
		func(l ledgers) { l.in.Backlog = 1 }, func(l ledgers) { l.in.Done-- }, func(l ledgers) { l.out.Pending = 1 },
	} {
		l := balanced(8)
		change(l)
		require.False(t, l.settled())
	}
}

func TestASectionOfTheWholeTellsTheRunsSideBySide(t *testing.T) {
	r := &report{load: load{shape: shopShape(512)}, runs: []*figures{{
		title: "kept", connections: 1, ledgers: balanced(512), cpu: time.Second, sent: sent{spans: 512, window: time.Second},
	}}}
	s := r.section()
	require.Equal(t, "The whole", s.title)
	require.Contains(t, s.text, "| | kept |\n|---|---:|\n")
	require.Contains(t, s.text, "| spans/s per core used | 512 |\n")
}

func TestTheDiskIsTheLongestMountAboveTheFolder(t *testing.T) {
	mounts := "proc /proc proc rw 0 0\n/dev/x1 / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
	require.Equal(t, "tmpfs", diskOf(mounts, "/tmp/a"))
	require.Equal(t, "ext4 of x1", diskOf(mounts, "/tmpx"))
	require.Empty(t, diskOf("", "/tmp"))
}

func TestAComplaintIsLevelAndMessage(t *testing.T) {
	require.Equal(t, `WARN store is "slow"`, complaint(`time=2026 level=WARN msg="store is \"slow\"" role=x`))
	require.Equal(t, "ERROR lost", complaint("time=2026 level=ERROR msg=lost"))
	require.Equal(t, "panic: oh", complaint("panic: oh\n"))
}
