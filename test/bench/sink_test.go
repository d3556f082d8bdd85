package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestTheSinkCountsWhatIsHandedOverAndIsDoneWithItAtOnce(t *testing.T) {
	s, err := newSink(t.Context())
	require.NoError(t, err)
	defer s.close()
	require.Len(t, s.peers, 3)
	conn, err := grpc.NewClient(s.peers["assembly"], grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	client := handoff.NewClient(conn, handoff.ClientOptions{Signal: handoffv1.Signal_SIGNAL_TRACES})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	done := make(chan struct{})
	require.NoError(t, client.Push(ctx, handoff.Batch{
		Sender: "bench", Position: 1, TotalItems: 512, Items: 512, Signal: handoffv1.Signal_SIGNAL_TRACES,
		ReceiveTime: time.Now(), Payload: []byte("spans"), Done: func() { close(done) },
	}))
	require.NoError(t, s.reached(ctx, 512))
	<-done
	require.Equal(t, uint64(512), s.spans())
	cancel()
	require.NoError(t, <-ended)
	require.ErrorContains(t, s.reached(ctx, 513), "512 of 513 spans")
}
