package handoff_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const traces = handoffv1.Signal_SIGNAL_TRACES

// recorder is a receiver that a test looks into.
type recorder struct {
	hold  bool                      // Done waits for finish
	judge func(handoff.Batch) error // nil takes all
	gate  chan struct{}             // when set, Push waits for a token

	mu   sync.Mutex // guards what follows
	got  []handoff.Batch
	more chan struct{}
}

func newRecorder() *recorder { return &recorder{more: make(chan struct{})} }

func (r *recorder) Push(ctx context.Context, b handoff.Batch) error {
	if r.gate != nil {
		select {
		case <-r.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if r.judge != nil {
		if err := r.judge(b); err != nil {
			return err
		}
	}
	b.Payload = bytes.Clone(b.Payload) // it may be looked at after Done
	r.mu.Lock()
	r.got = append(r.got, b)
	close(r.more)
	r.more = make(chan struct{})
	r.mu.Unlock()
	if !r.hold {
		b.Done()
	}
	return nil
}

// wait gives the batches when there are n.
func (r *recorder) wait(t *testing.T, n int) []handoff.Batch {
	t.Helper()
	for {
		r.mu.Lock()
		got, more := r.got[:len(r.got):len(r.got)], r.more
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}

// wire is a server that can be killed and started again, and the connection to it.
type wire struct {
	mu       sync.Mutex // guards listener and server
	listener *bufconn.Listener
	server   *grpc.Server
	service  *handoff.Server
	conn     *grpc.ClientConn
}

func newWire(t testing.TB, r handoff.Receiver) *wire {
	t.Helper()
	w := &wire{}
	w.start(t, r)
	conn, err := grpc.NewClient("passthrough:///wire", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.listener.DialContext(ctx)
		}),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second}))
	require.NoError(t, err)
	w.conn = conn
	t.Cleanup(func() { w.kill(); require.NoError(t, conn.Close()) })
	return w
}

func (w *wire) start(t testing.TB, r handoff.Receiver) {
	t.Helper()
	service, err := handoff.NewServer(r, traces, noop.Meter{})
	require.NoError(t, err)
	w.serve(service)
}

func (w *wire) serve(service *handoff.Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listener, w.server, w.service = bufconn.Listen(1<<20), grpc.NewServer(), service
	handoffv1.RegisterHandoffServiceServer(w.server, service)
	server, listener := w.server, w.listener
	go func() { _ = server.Serve(listener) }() // it ends with kill
}

func (w *wire) kill() {
	w.mu.Lock()
	server := w.server
	w.mu.Unlock()
	server.Stop()
}

// runClient runs a client until the test ends.
func runClient(t testing.TB, conn grpc.ClientConnInterface, batches int) *handoff.Client {
	t.Helper()
	c := handoff.NewClient(conn, handoff.ClientOptions{Signal: traces, MaxBatches: batches})
	background(t, c.Run)
	return c
}

// background runs until the test ends or the returned function is called, which waits for the end.
func background(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); require.NoError(t, <-ended) })
	t.Cleanup(stop)
	return stop
}

// links are the ways to a receiver: each must keep the same contract.
var links = map[string]func(t *testing.T, r handoff.Receiver) handoff.Receiver{
	"direct": func(_ *testing.T, r handoff.Receiver) handoff.Receiver { return r },
	"stream": func(t *testing.T, r handoff.Receiver) handoff.Receiver { return runClient(t, newWire(t, r).conn, 4) },
}

func overLinks(t *testing.T, test func(t *testing.T, link func(*testing.T, handoff.Receiver) handoff.Receiver)) {
	t.Helper()
	for name, link := range links {
		t.Run(name, func(t *testing.T) { test(t, link) })
	}
}

// openWAL makes a log with n records, each of one item.
func openWAL(t *testing.T, n int) *wal.Log {
	t.Helper()
	return openLog(t, n, func(i int) []byte { return fmt.Appendf(nil, "record %d", i) })
}

// openLog makes a log with n records, each of one item, numbered from 1.
func openLog(t *testing.T, n int, record func(int) []byte) *wal.Log {
	t.Helper()
	l, err := wal.Open(t.TempDir(), wal.Options{SegmentBytes: 1 << 16, Sync: wal.SyncNone})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	for i := range n {
		_, err := l.Append(context.Background(), 1, record(i+1))
		require.NoError(t, err)
	}
	return l
}

var errNotDecodable = errors.New("not decodable")

// source is a log whose records are payloads, but for record 3, which cannot be read.
type source struct{ *wal.Log }

func (s source) Next(ctx context.Context, after uint64) (handoff.Entry, error) {
	r, err := s.Reader(after + 1).Next(ctx)
	if errors.Is(err, wal.ErrClosed) {
		return handoff.Entry{}, handoff.ErrEnded
	}
	e := handoff.Entry{Position: r.Position, Total: r.Total, Items: int(r.Weight), ReceiveTime: time.Unix(7, 0).UTC(), Payload: r.Data}
	e.Free = func() {
		for i := range r.Data {
			r.Data[i] = 0xff // whoever still reads is found out
		}
	}
	if string(r.Data) == "record 3" {
		e.Fault = errNotDecodable
	}
	return e, err
}

// Read implements handoff.Source.
func (s source) Read(ctx context.Context, position uint64) ([]byte, error) {
	r, err := s.Reader(position).Next(ctx)
	return r.Data, err
}

// startPump pumps l to r until stop; reached gives the positions that were released.
func startPump(t *testing.T, l *wal.Log, r handoff.Receiver) (p *handoff.Pump, reached chan uint64, stop func()) {
	t.Helper()
	reached = make(chan uint64, 10_000)
	p, err := handoff.NewPump(handoff.PumpConfig{
		Sender: "a", Signal: traces, Log: source{l}, Receiver: r, MaxBatches: 8, Drain: time.Millisecond,
		OnDone: func(position uint64) { reached <- position },
	})
	require.NoError(t, err)
	return p, reached, background(t, p.Run)
}

func awaitPosition(t *testing.T, reached chan uint64, position uint64) {
	t.Helper()
	for {
		select {
		case p := <-reached:
			if p >= position {
				require.Equal(t, position, p)
				return
			}
		case <-t.Context().Done():
			t.FailNow()
		}
	}
}
