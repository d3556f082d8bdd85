package assembly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/assembly/internal/red"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// ErrSignal says that a batch holds something other than spans; pushing it again does not help.
var ErrSignal = errors.New("signal is not traces")

// ErrStopped says that the service takes nothing any more; another one may.
var ErrStopped = errors.New("assembly has stopped")

// Push takes the spans of hb over; it implements handoff.Receiver. It waits while MaxPendingBytes are undecided, until
// ctx ends. The payload is kept, not copied, until Done is called: when every span in it is stored, or dropped by a
// decision and counted. Many goroutines may call it, one for each sender.
func (s *Service) Push(ctx context.Context, hb handoff.Batch) error {
	if hb.Signal != handoffv1.Signal_SIGNAL_TRACES {
		return handoff.Final(fmt.Errorf("push batch %d of %s: %v: %w", hb.Position, hb.Sender, hb.Signal, ErrSignal))
	}
	if s.stopped.Load() {
		return fmt.Errorf("push batch %d of %s: %w", hb.Position, hb.Sender, ErrStopped)
	}
	b := &batch{position: hb.Position, bytes: int64(len(hb.Payload) + hb.Items*entrySize)}
	if err := s.admission.acquire(ctx, b.bytes); err != nil {
		return fmt.Errorf("push batch %d of %s: %w", hb.Position, hb.Sender, err)
	}
	in := s.intakes.Get().(*intake)
	defer s.intakes.Put(in)
	broken := in.read(hb.Payload)
	b.spans, b.groups = uint64(in.spans), len(in.groups)
	if broken != nil {
		b.spans, b.groups = uint64(hb.Items), 1
	}
	before, taken, due := s.accounts.begin(hb.Sender, b, hb.Done)
	switch {
	case !taken:
		s.admission.release(b.bytes)
		s.metrics.repeated.Add(ctx, 1)
		if due {
			hb.Done()
		}
	case broken != nil:
		s.deps.Log.Error("batch is lost", "sender", hb.Sender, "position", hb.Position, "spans", hb.Items, "error", broken)
		s.accounts.lose(b)
	default:
		// Nobody else looks at b before its first group is in a shard.
		b.source = in.source(&s.names)
		if !hb.ReceiveTime.IsZero() {
			b.received = hb.ReceiveTime.UnixNano()
		}
		s.insert(b, in, before)
		s.accounts.end(b)
	}
	return nil
}

// insert puts the groups of a batch into their traces, but for those that are accounted for, and counts their requests.
func (s *Service) insert(b *batch, in *intake, before *recovered) {
	now := s.deps.Now()
	in.fresh = in.fresh[:0]
	for _, g := range in.groups {
		t := &in.view.Spans[g.first].Trace
		if before != nil {
			if _, ok := before.groups[*t]; ok {
				continue
			}
		}
		in.fresh = s.shardOf(t).take(b, in, g, now.UnixNano(), &s.waits, in.fresh)
	}
	s.bookMu.Lock()
	defer s.bookMu.Unlock()
	in.nodes = in.nodes[:0]
	for _, name := range b.services {
		in.nodes = append(in.nodes, s.book.Node(name, red.Service))
	}
	for _, i := range in.fresh {
		sp := &in.view.Spans[i]
		node := in.nodes[sp.Resource]
		if !red.InRange(sp.End, now) {
			s.outOfRange.Add(1)
			continue
		}
		node.See(sp.End)
		if tree.Kind(sp.Kind).Receives() {
			s.book.Request(node, in.view.BytesOf(sp.Name), requestOf(sp.Start, sp.End, sp.Kind, sp.Status))
		}
	}
}

// requestOf makes a request of a span's figures.
func requestOf(start, end uint64, kind, status uint8) red.Request {
	r := red.Request{End: end, Error: status == otlp.StatusError, Asynchronous: kind == otlp.KindConsumer || kind == otlp.KindProducer}
	if start != 0 && start < end {
		r.Duration = end - start
	}
	return r
}

// intake is what a push needs, used again by later ones.
type intake struct {
	view   otlp.Traces
	groups []group
	next   []int32 // by span: the next one of its group, or -1
	table  []int32 // group + 1, by hash of the trace id, open addressing
	spans  int     // in groups
	fresh  []int32
	nodes  []*red.Node
}

// group is the spans of a batch that belong to one trace.
type group struct{ first, last, spans int32 }

// read scans a payload and groups its spans. Spans with a faulty id are no spans: ingestion has refused them.
func (in *intake) read(payload []byte) error {
	in.groups, in.spans = in.groups[:0], 0
	if err := in.view.Scan(payload, otlp.LevelFields); err != nil {
		return err
	}
	n := len(in.view.Spans)
	size := 16
	for size < 2*n {
		size *= 2
	}
	in.table = append(in.table[:0], make([]int32, size)...)
	in.next = slices.Grow(in.next[:0], n)[:n]
	for i := range in.view.Spans {
		if in.view.Spans[i].Fault == 0 {
			in.join(int32(i))
			in.spans++
		}
	}
	return nil
}

// join adds a span to the group of its trace.
func (in *intake) join(i int32) {
	t := &in.view.Spans[i].Trace
	mask := uint32(len(in.table) - 1)
	at := hashTrace(t) & mask
	for ; in.table[at] != 0; at = (at + 1) & mask {
		g := &in.groups[in.table[at]-1]
		if in.view.Spans[g.first].Trace == *t {
			in.next[g.last] = i
			in.next[i] = -1
			g.last = i
			g.spans++
			return
		}
	}
	in.next[i] = -1
	in.groups = append(in.groups, group{first: i, last: i, spans: 1})
	in.table[at] = int32(len(in.groups))
}

// source gives the batch's own view of the payload.
func (in *intake) source(names *names) source {
	s := source{view: otlp.Traces{Groups: in.view.Clone()}}
	for r := range s.view.Resources {
		s.services = append(s.services, names.of(&s.view, int32(r)))
	}
	return s
}

// names keeps one copy of each service name, up to maxNames.
type names struct {
	mu  sync.RWMutex // guards all
	all map[string]string
}

const maxNames = 10_000

// of gives the service.name of a resource.
func (n *names) of(v *otlp.Traces, resource int32) string {
	if value, ok := v.ResourceAttr(resource, "service.name"); ok {
		if b, ok := value.Bytes(); ok {
			n.mu.RLock()
			name := n.all[string(b)]
			n.mu.RUnlock()
			if name != "" {
				return name
			}
		}
	}
	name := v.Service(resource)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.all) < maxNames {
		n.all[name] = name
	}
	return name
}
