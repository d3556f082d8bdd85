package handoff

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// ClientOptions are the bounds of a client. All but Signal may be left out.
type ClientOptions struct {
	Signal     handoffv1.Signal
	MaxBatches int   // not acknowledged; 65536 by default
	MaxBytes   int64 // of their payloads, at least what the receiver holds undone; 512 MiB by default
	Logger     *slog.Logger
}

// Client is a Receiver in another process. It serves one sender.
type Client struct {
	stub    handoffv1.HandoffServiceClient
	opts    ClientOptions
	window  *window
	more    chan struct{} // holds a token when there may be something to send
	stopped chan struct{} // closed when Run has ended

	mu     sync.Mutex // guards what follows; never held during a call
	sender string
	kept   []Batch // not acknowledged, by position
	sent   int     // how many of them went out on this stream
	acked  uint64
}

// NewClient makes a client on conn. Nothing is sent until Run.
func NewClient(conn grpc.ClientConnInterface, o ClientOptions) *Client {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Client{
		stub: handoffv1.NewHandoffServiceClient(conn), opts: o, window: newWindow(o.MaxBatches, o.MaxBytes),
		more: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

// Push takes b over: it is kept until the other side acknowledges it, and sent again on each new stream. It waits
// while the window is full, until ctx or Run ends (ErrStopped). A batch that came before is not sent twice; its Done
// is called as well. The other side may refuse a batch for good; that is logged, and counts as done.
func (c *Client) Push(ctx context.Context, b Batch) error {
	if b.Signal != c.opts.Signal {
		return Final(fmt.Errorf("push batch %d of %s: signal %v, want %v", b.Position, b.Sender, b.Signal, c.opts.Signal))
	}
	select {
	case <-c.stopped:
		return fmt.Errorf("push batch %d of %s: %w", b.Position, b.Sender, ErrStopped)
	default:
	}
	if err := c.window.enter(ctx, int64(len(b.Payload)), c.stopped); err != nil {
		return fmt.Errorf("push batch %d of %s: %w", b.Position, b.Sender, err)
	}
	kept, err := c.keep(b)
	if !kept {
		c.window.leave(int64(len(b.Payload)))
	}
	return err
}

// keep puts b at the end of what is kept, unless it is there or was acknowledged.
func (c *Client) keep(b Batch) (bool, error) {
	c.mu.Lock()
	if c.sender == "" {
		c.sender = b.Sender
	}
	n := len(c.kept)
	switch {
	case b.Sender != c.sender:
		c.mu.Unlock()
		return false, Final(fmt.Errorf("push batch %d of %s: this client serves %s", b.Position, b.Sender, c.sender))
	case n > 0 && b.Position > c.kept[n-1].Position, n == 0 && b.Position > c.acked:
		c.kept = append(c.kept, b)
		c.mu.Unlock()
		c.wake()
		return true, nil
	}
	defer c.mu.Unlock()
	i := sort.Search(n, func(i int) bool { return c.kept[i].Position >= b.Position })
	if i < n && c.kept[i].Position == b.Position {
		before := c.kept[i].Done
		c.kept[i].Done = func() { before(); b.Done() }
		return false, nil
	}
	b.Done() // it does not block
	return false, nil
}

func (c *Client) wake() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Run keeps a stream open until ctx ends; it is called once. What is not acknowledged then is never done.
func (c *Client) Run(ctx context.Context) error {
	defer close(c.stopped)
	wait := pace()
	for ctx.Err() == nil {
		before := c.position()
		err := c.stream(ctx)
		if ctx.Err() != nil {
			break
		}
		if c.refused(err) || c.position() > before {
			wait.Reset()
		}
		pause := wait.NextBackOff()
		c.opts.Logger.Warn("handoff stream broke", "error", err, "wait", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return nil
}

func (c *Client) position() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked
}

// stream sends all that is kept, and what comes, on one stream until it breaks.
func (c *Client) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.sent = 0
	c.mu.Unlock()
	s, err := c.stub.Push(ctx)
	if err != nil {
		cancel()
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { c.send(ctx, s) })
	defer wg.Wait()
	defer cancel()
	for {
		r, err := s.Recv()
		if err != nil {
			return err
		}
		c.acknowledge(r.GetDonePosition())
	}
}

// send ends with the stream, whose error is told to the receiving side.
func (c *Client) send(ctx context.Context, s handoffv1.HandoffService_PushClient) {
	for sequence := uint64(1); ; sequence++ {
		b, ok := c.unsent(ctx)
		if !ok {
			return
		}
		if s.Send(request(b, sequence)) != nil {
			return
		}
	}
}

// unsent waits for the next batch that this stream has not seen; false when ctx ended.
func (c *Client) unsent(ctx context.Context) (Batch, bool) {
	for {
		c.mu.Lock()
		if c.sent < len(c.kept) {
			b := c.kept[c.sent]
			c.sent++
			c.mu.Unlock()
			return b, ctx.Err() == nil
		}
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-ctx.Done():
			return Batch{}, false
		}
	}
}

func request(b Batch, sequence uint64) *handoffv1.PushRequest {
	r := &handoffv1.PushRequest{
		Sender: b.Sender, Sequence: sequence, Position: b.Position, TotalItems: b.TotalItems, Items: uint32(b.Items),
		Signal: b.Signal, Crc32C: digest(b.Payload), Payload: b.Payload,
	}
	if !b.ReceiveTime.IsZero() {
		r.ReceiveTime = timestamppb.New(b.ReceiveTime)
	}
	return r
}

func digest(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)) // the table is made once by the library
}

// acknowledge drops what is done on the other side. A position of something this stream has not sent is not believed.
func (c *Client) acknowledge(position uint64) {
	c.mu.Lock()
	n := 0
	for n < c.sent && c.kept[n].Position <= position {
		n++
	}
	done := slices.Clone(c.kept[:n])
	clear(c.kept[:n]) // the payloads are free
	c.kept = c.kept[n:]
	c.sent -= n
	if n > 0 {
		c.acked = max(c.acked, done[n-1].Position)
	}
	c.mu.Unlock()
	c.finish(done)
}

// refused drops the batch that the other side refused for good, if err tells which one it is.
func (c *Client) refused(err error) bool {
	position, ok := refusedPosition(err)
	if !ok {
		return false
	}
	c.mu.Lock()
	i := sort.Search(len(c.kept), func(i int) bool { return c.kept[i].Position >= position })
	ok = i < len(c.kept) && c.kept[i].Position == position
	var done []Batch
	if ok {
		done = []Batch{c.kept[i]}
		c.kept = slices.Delete(c.kept, i, i+1)
	}
	c.sent = 0
	c.mu.Unlock()
	for _, b := range done {
		c.opts.Logger.Error("batch refused for good", "sender", b.Sender, "position", b.Position, "items", b.Items, "error", err)
	}
	c.finish(done)
	return ok
}

func (c *Client) finish(done []Batch) {
	for _, b := range done {
		b.Done()
		c.window.leave(int64(len(b.Payload)))
	}
}

// refusedPosition reads what refuse wrote.
func refusedPosition(err error) (uint64, bool) {
	s := status.Convert(err)
	if s.Code() != codes.InvalidArgument {
		return 0, false
	}
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == refusedReason {
			position, err := strconv.ParseUint(info.GetMetadata()[positionKey], 10, 64)
			return position, err == nil
		}
	}
	return 0, false
}
