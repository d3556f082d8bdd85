package handoff_test

import (
	"context"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/handoff"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestNothingIsLostWhenTheReceiverIsKilledAgainAndAgain(t *testing.T) {
	r := newRecorder()
	w := newWire(t, r)
	l := openWAL(t, 300)
	_, reached, _ := startPump(t, l, runClient(t, w.conn, 16))
	for _, n := range []int{40, 120, 200} {
		r.wait(t, n)
		w.kill()
		w.start(t, r)
	}
	awaitPosition(t, reached, 300)
	seen := make(map[uint64]bool)
	for _, b := range r.wait(t, 299) {
		seen[b.Position] = true
	}
	require.Len(t, seen, 299, "all but the one that cannot be decoded")
}

func TestAClientServesOneSenderAndOneSignal(t *testing.T) {
	c := runClient(t, newWire(t, newRecorder()).conn, 4)
	b, done := batch(1)
	require.NoError(t, c.Push(t.Context(), b))
	<-done
	require.NoError(t, c.Push(t.Context(), b), "the pump was restarted")
	<-done
	b.Sender = "b"
	require.ErrorIs(t, c.Push(t.Context(), b), handoff.ErrFinal)
	b.Signal = handoffv1.Signal_SIGNAL_LOGS
	require.ErrorIs(t, c.Push(t.Context(), b), handoff.ErrFinal)
}

func TestAClientThatHasEndedTakesNothing(t *testing.T) {
	c := handoff.NewClient(newWire(t, newRecorder()).conn, handoff.ClientOptions{Signal: traces})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, c.Run(ctx))
	b, _ := batch(1)
	require.ErrorIs(t, c.Push(t.Context(), b), handoff.ErrStopped)
}

// wireRequest is a good first request.
func wireRequest(sequence, position uint64) *handoffv1.PushRequest {
	payload := []byte("payload")
	return &handoffv1.PushRequest{
		Sender: "a", Sequence: sequence, Position: position, Items: 1, Signal: traces, Payload: payload,
		Crc32C: crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)),
	}
}

func TestTheServerFindsWhatWentWrongOnTheWay(t *testing.T) {
	corrupt, signal, sender, stranger := wireRequest(2, 2), wireRequest(2, 2), wireRequest(1, 1), wireRequest(2, 2)
	corrupt.Payload = []byte("paylaod")
	signal.Signal = handoffv1.Signal_SIGNAL_METRICS
	sender.Sender = ""
	stranger.Sender = "b"
	for name, c := range map[string]struct {
		send    []*handoffv1.PushRequest
		code    codes.Code
		counter string
		taken   int
	}{
		"gap":       {[]*handoffv1.PushRequest{wireRequest(1, 1), wireRequest(3, 3)}, codes.DataLoss, "gaps", 1},
		"duplicate": {[]*handoffv1.PushRequest{wireRequest(1, 1), wireRequest(1, 1)}, codes.OK, "duplicates", 1},
		"reordered": {[]*handoffv1.PushRequest{wireRequest(1, 2), wireRequest(2, 1)}, codes.DataLoss, "reordered", 1},
		"corrupt":   {[]*handoffv1.PushRequest{wireRequest(1, 1), corrupt}, codes.DataLoss, "corrupt", 1},
		"signal":    {[]*handoffv1.PushRequest{wireRequest(1, 1), signal}, codes.InvalidArgument, "refused", 1},
		"sender":    {[]*handoffv1.PushRequest{sender}, codes.InvalidArgument, "", 0},
		"stranger":  {[]*handoffv1.PushRequest{wireRequest(1, 1), stranger}, codes.InvalidArgument, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			reader := sdkmetric.NewManualReader()
			r := newRecorder()
			w := newWire(t, r)
			service, err := handoff.NewServer(r, traces, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter(""))
			require.NoError(t, err)
			w.kill()
			w.serve(service)

			stream, err := handoffv1.NewHandoffServiceClient(w.conn).Push(t.Context())
			require.NoError(t, err)
			for _, m := range c.send {
				require.NoError(t, stream.Send(m))
			}
			require.NoError(t, stream.CloseSend())
			for err == nil {
				_, err = stream.Recv()
			}
			if c.code != codes.OK {
				require.Equal(t, c.code, status.Code(err), err)
			}
			require.Len(t, r.wait(t, c.taken), c.taken)
			if c.counter != "" {
				require.Equal(t, int64(1), counted(t, reader, "triflow.handoff."+c.counter))
			}
		})
	}
}

func counted(t *testing.T, reader sdkmetric.Reader, name string) (n int64) {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == name {
				n += sum.DataPoints[0].Value
			}
		}
	}
	return n
}

func TestADrainingServerSendsTheSenderAway(t *testing.T) {
	r := newRecorder()
	w := newWire(t, r)
	stream, err := handoffv1.NewHandoffServiceClient(w.conn).Push(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(wireRequest(1, 1)))
	_, err = stream.Recv()
	require.NoError(t, err)
	w.service.Drain()
	_, err = stream.Recv()
	require.Equal(t, codes.Unavailable, status.Code(err))
}

func TestASecondStreamOfASenderTakesOver(t *testing.T) {
	r := newRecorder()
	r.gate = make(chan struct{})
	w := newWire(t, r)
	client := handoffv1.NewHandoffServiceClient(w.conn)
	first, err := client.Push(t.Context())
	require.NoError(t, err)
	require.NoError(t, first.Send(wireRequest(1, 1)))
	require.NoError(t, first.Send(wireRequest(2, 2)))
	r.gate <- struct{}{}
	r.wait(t, 1) // the second batch of the first stream is at the gate, or on its way

	second, err := client.Push(t.Context())
	require.NoError(t, err)
	require.NoError(t, second.Send(wireRequest(1, 2)))
	for err == nil {
		_, err = first.Recv()
	}
	require.Equal(t, codes.Aborted, status.Code(err))
	close(r.gate)
	ack, err := second.Recv()
	require.NoError(t, err)
	require.Equal(t, uint64(2), ack.GetDonePosition())
}
