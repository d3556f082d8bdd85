package ingestion

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

// link is the way of a stream to one destination beside the owner of its signal. It follows the log by a mark of its own,
// so that a destination that is down holds nobody up.
type link struct {
	stream   *stream
	name     string
	account  *account
	passage  *passage
	gatherer *gatherer // nil if no aggregate has a window
	exporter *export.Exporter
	mark     *wal.Mark
	pump     *handoff.Pump
	behind   int64         // bytes that it may be
	skipTo   atomic.Uint64 // position up to which nothing is read any more
	led      atomic.Uint64 // items that the exporter took, and their bytes
	bytes    atomic.Uint64
}

// openLink makes the link of a stream to a destination.
func (s *stream) openLink(to destination, r *routes) (_ *link, err error) {
	deps := s.door.deps
	l := &link{stream: s, name: to.Name, behind: to.MaxBehindBytes}
	if l.behind == 0 {
		l.behind = s.door.cfg.WALBytes / 2
	}
	if l.mark, err = s.log.Mark(to.Name); err != nil {
		return nil, err
	}
	l.account = newAccount(l.mark, l.mark.Stats)
	if l.passage, err = r.passage(s.signal, l.name, l.account, deps.Now); err != nil {
		return nil, err
	}
	l.passage.most = to.Split.bounds()
	if w := l.passage.set.Window(s.signal, l.name); w > 0 {
		l.gatherer = newGatherer(w, deps.Now, l)
	}
	l.exporter, err = export.New(to.config(s.signal), export.Deps{Now: deps.Now, Rand: deps.Rand, Log: deps.Log, LookupEnv: deps.LookupEnv, OnFault: func(f export.Finding) {
		s.door.faults.Report(deps.Now(), fault.Finding{Class: f.Class, Kind: f.Kind, Subject: f.Subject, Signal: f.Signal, Items: f.Items, Text: f.Text})
	}})
	if err != nil {
		return nil, err
	}
	l.pump, err = handoff.NewPump(handoff.PumpConfig{
		Sender: s.door.cfg.Name + "/" + s.signal.String(), Signal: signalOf(s.signal), Receiver: l, Logger: deps.Log,
		Log: &follower{stream: s, cursor: l.account, skipTo: &l.skipTo, total: s.log.Stats().Total},
	})
	return l, err
}

// Push exports what the pipelines lead to the destination; see handoff.Receiver.
func (l *link) Push(ctx context.Context, b handoff.Batch) error {
	l.account.begin(b)
	if l.gatherer != nil {
		return l.gatherer.push(ctx, b)
	}
	return l.pass(ctx, []handoff.Batch{b})
}

// pass exports what the pipelines make of requests.
func (l *link) pass(ctx context.Context, all []handoff.Batch) error {
	return l.passage.push(ctx, all, taken{l.exporter, l})
}

// taken counts what a receiver takes for a link.
type taken struct {
	handoff.Receiver
	link *link
}

func (t taken) Push(ctx context.Context, b handoff.Batch) error {
	err := t.Receiver.Push(ctx, b)
	if err == nil {
		t.link.led.Add(uint64(b.Items))
		t.link.bytes.Add(uint64(len(b.Payload)))
	}
	return err
}

// run exports until ctx ends. What is under way then has as long as the pump waits for it.
func (l *link) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		_ = l.exporter.Run(work) // it ends with work
	})
	if l.gatherer != nil {
		wg.Go(func() { l.gatherer.run(work, ctx.Done()) })
	}
	err := l.pump.Run(ctx)
	stop()
	wg.Wait()
	return err
}

// catchUp passes over the oldest of what a destination lacks, if that is too much.
func (l *link) catchUp() {
	before := l.mark.Stats()
	if before.Bytes <= l.behind {
		return
	}
	position := l.stream.log.Within(l.behind)
	l.skipTo.Store(position)
	items, err := l.account.skip(position)
	l.stream.door.faults.Report(l.stream.door.deps.Now(), fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_OMISSION, Kind: fault.Gap, Subject: l.name, Signal: signalOf(l.stream.signal), Items: items,
		Text: fmt.Sprintf("%d bytes behind, want at most %d: the oldest %d items were passed over", before.Bytes, l.behind, items),
	})
	if err != nil {
		l.stream.door.deps.Log.Warn("log not released", "destination", l.name, "error", err)
	}
}

// destination tells how far the link has come.
func (l *link) destination() *ingestionv1.Destination {
	stats := l.exporter.Stats()
	refused := stats.Rejected
	for _, n := range stats.Dropped {
		refused += n
	}
	d := &ingestionv1.Destination{Name: l.name, Signal: signalOf(l.stream.signal), Retries: stats.Retries + l.pump.Stats().Retries}
	l.account.destination(d, refused)
	for _, e := range stats.Endpoints {
		out := &ingestionv1.Endpoint{
			Address: e.Address, Priority: int32(e.Priority), Healthy: e.Healthy, Breaker: stateOf(e.Breaker), InFlight: uint32(e.InFlight),
			Sent: e.Sent, Failed: e.Failed, LastError: e.LastError,
		}
		if !e.Changed.IsZero() {
			out.ChangedTime = timestamppb.New(e.Changed)
		}
		d.Endpoints = append(d.Endpoints, out)
	}
	return d
}

func stateOf(s breaker.State) ingestionv1.BreakerState {
	switch s {
	case breaker.Closed:
		return ingestionv1.BreakerState_BREAKER_STATE_CLOSED
	case breaker.Open:
		return ingestionv1.BreakerState_BREAKER_STATE_OPEN
	case breaker.HalfOpen:
		return ingestionv1.BreakerState_BREAKER_STATE_HALF_OPEN
	}
	return ingestionv1.BreakerState_BREAKER_STATE_UNSPECIFIED
}
