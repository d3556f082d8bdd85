package ingestion

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// childDir names the folder of the child process of the test below.
const childDir = "INGESTION_TEST_DIR"

// TestServeAsAChild is the process that is killed; it hands nothing on.
func TestServeAsAChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("run by TestWhatWasAcknowledgedOutlivesAKill")
	}
	to := newSink()
	s, err := New(roomy(), Deps{Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Now: time.Now, Rand: rand.Float64, Dir: dir, Traces: to, Logs: to, Metrics: to})
	require.NoError(t, err)
	g, _ := s.Addrs()
	fmt.Println(g)
	require.NoError(t, s.Run(context.Background()))
}

func roomy() Config {
	c := small()
	c.SegmentBytes, c.WALBytes = 4<<20, 64<<20
	return c
}

func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServeAsAChild$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	conn, err := grpc.NewClient("passthrough:///"+lines.Text(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)

	const killAt = 200
	acknowledged := make(chan int, 4)
	body := request(t, span(1), span(2), span(3))
	started := make(chan struct{}, 1<<16)
	for range cap(acknowledged) {
		go func() {
			n := 0
			for {
				var reply []byte
				if conn.Invoke(context.Background(), traceExport, body, &reply, grpc.ForceCodecV2(raw{})) != nil {
					acknowledged <- n
					return
				}
				n++
				select {
				case started <- struct{}{}:
				default:
				}
			}
		}()
	}
	for range killAt {
		<-started
	}
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	total := 0
	for range cap(acknowledged) {
		total += <-acknowledged
	}
	require.NoError(t, conn.Close())
	require.GreaterOrEqual(t, total, killAt)

	to := newSink()
	close(to.open)
	r := start(t, roomy(), dir, to)
	for range total {
		b := <-to.got
		require.Equal(t, body, b.Payload)
		require.Equal(t, 3, b.Items)
	}
	require.GreaterOrEqual(t, ledger(t, r.Service).GetAccepted(), uint64(3*total))
}
