package handoff

import (
	"context"
	"errors"
	"fmt"
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

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
)

// outboxBytes is how much waits in memory to be sent; one batch above it goes alone.
const outboxBytes = 4 << 20

// ClientOptions are the bounds of a client. All but Signal may be left out.
type ClientOptions struct {
	Signal     handoffv1.Signal
	MaxBatches int   // not acknowledged; 65536 by default
	MaxBytes   int64 // of their payloads, at least what the receiver holds undone; 512 MiB by default
	Logger     *slog.Logger
}

// Client is a Receiver in another process. It serves one sender. Of a batch that can be read again it holds the payload
// only until it is on the connection.
type Client struct {
	conn    grpc.ClientConnInterface
	opts    ClientOptions
	window  *window       // what is not acknowledged
	outbox  *window       // what of that is in memory and not yet on the connection
	more    chan struct{} // holds a token when there may be something to send
	stopped chan struct{} // closed when Run has ended

	mu     sync.Mutex // guards what follows; never held during a call
	sender string
	kept   []letter // not acknowledged, by position
	sent   int      // how many of them went out on this stream
	acked  uint64
}

// letter is a batch that is kept.
type letter struct {
	Batch
	bytes  int64
	posted bool // it is not in the outbox any more
}

// NewClient makes a client on conn. Nothing is sent until Run.
func NewClient(conn grpc.ClientConnInterface, o ClientOptions) *Client {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Client{
		conn: conn, opts: o, window: newWindow(o.MaxBatches, o.MaxBytes), outbox: newWindow(o.MaxBatches, outboxBytes),
		more: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

// Push takes b over: it is kept until the other side acknowledges it, and sent again on each new stream. It waits
// while too much is not acknowledged, or not sent, until ctx or Run ends (ErrStopped). A batch that came before is not
// sent twice; its Done is called as well. The other side may refuse a batch for good; that is logged, and counts as done.
func (c *Client) Push(ctx context.Context, b Batch) error {
	if b.Signal != c.opts.Signal {
		return Final(fmt.Errorf("push batch %d of %s: signal %v, want %v", b.Position, b.Sender, b.Signal, c.opts.Signal))
	}
	select {
	case <-c.stopped:
		return fmt.Errorf("push batch %d of %s: %w", b.Position, b.Sender, ErrStopped)
	default:
	}
	n := int64(len(b.Payload))
	if err := c.window.enter(ctx, n, c.stopped); err != nil {
		return fmt.Errorf("push batch %d of %s: %w", b.Position, b.Sender, err)
	}
	if err := c.outbox.enter(ctx, n, c.stopped); err != nil {
		c.window.leave(n)
		return fmt.Errorf("push batch %d of %s: %w", b.Position, b.Sender, err)
	}
	kept, err := c.keep(b)
	if !kept {
		c.outbox.leave(n)
		c.window.leave(n)
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
		c.kept = append(c.kept, letter{Batch: b, bytes: int64(len(b.Payload))})
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
	s, err := c.conn.NewStream(ctx, &handoffv1.HandoffService_ServiceDesc.Streams[0], handoffv1.HandoffService_Push_FullMethodName,
		grpc.ForceCodecV2(frames{}))
	if err != nil {
		cancel()
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { c.send(ctx, s) })
	defer wg.Wait()
	defer cancel()
	for {
		r := new(handoffv1.PushResponse)
		if err := s.RecvMsg(r); err != nil {
			return err
		}
		c.acknowledge(r.GetDonePosition())
	}
}

// send ends with the stream, whose error is told to the receiving side.
func (c *Client) send(ctx context.Context, s grpc.ClientStream) {
	for sequence := uint64(1); ; {
		b, ok := c.unsent(ctx)
		if !ok {
			return
		}
		f, err := b.frame(ctx, sequence)
		if ctx.Err() != nil || errors.Is(err, ErrEnded) {
			return // the next process hands on what the log holds
		}
		if err != nil {
			c.opts.Logger.Error("batch lost", "sender", b.Sender, "position", b.Position, "items", b.Items, "error", err)
			c.drop(b.Position)
			continue
		}
		if s.SendMsg(f) != nil {
			return
		}
		sequence++
	}
}

// frame encodes b with the payload that it holds, or reads it again.
func (b Batch) frame(ctx context.Context, sequence uint64) (*frame, error) {
	payload, sum := b.Payload, b.Digest
	var free func()
	switch {
	case payload == nil:
		var err error
		if payload, err = b.Read(ctx); err != nil {
			return nil, err
		}
	case b.Own != nil && b.Read != nil:
		free = b.Own()
	}
	if sum == 0 {
		sum = Digest(payload)
	}
	return newFrame(b, payload, sum, sequence, free), nil
}

// unsent waits for the next batch that this stream has not seen; false when ctx ended. A payload that can be read again
// is the caller's from then on.
func (c *Client) unsent(ctx context.Context) (Batch, bool) {
	for ctx.Err() == nil {
		c.mu.Lock()
		if c.sent < len(c.kept) {
			l := &c.kept[c.sent]
			b := l.Batch
			if l.Read != nil {
				l.Payload = nil
			}
			first := !l.posted
			l.posted = true
			c.sent++
			c.mu.Unlock()
			if first {
				c.outbox.leave(l.bytes)
			}
			return b, true
		}
		c.mu.Unlock()
		select {
		case <-c.more:
		case <-ctx.Done():
		}
	}
	return Batch{}, false
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
	b, ok := c.drop(position)
	if ok {
		c.opts.Logger.Error("batch refused for good", "sender", b.Sender, "position", b.Position, "items", b.Items, "error", err)
	}
	return ok
}

// drop ends a batch that will not be sent again, if it is kept.
func (c *Client) drop(position uint64) (Batch, bool) {
	c.mu.Lock()
	i := sort.Search(len(c.kept), func(i int) bool { return c.kept[i].Position >= position })
	if i == len(c.kept) || c.kept[i].Position != position {
		c.mu.Unlock()
		return Batch{}, false
	}
	l := c.kept[i]
	c.kept = slices.Delete(c.kept, i, i+1)
	if i < c.sent {
		c.sent--
	}
	c.mu.Unlock()
	c.finish([]letter{l})
	return l.Batch, true
}

func (c *Client) finish(done []letter) {
	for _, l := range done {
		l.Done()
		c.window.leave(l.bytes)
		if !l.posted {
			c.outbox.leave(l.bytes)
		}
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
