package ingestion

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// link is the way of a stream to one destination beside the owner of its signal. It follows the log by a mark of its own,
// so that a destination that is down holds nobody up.
type link struct {
	stream   *stream
	name     string
	set      *pipeline.Set
	exporter *export.Exporter
	mark     *wal.Mark
	pump     *handoff.Pump
	behind   int64         // bytes that it may be
	skipTo   atomic.Uint64 // position up to which nothing is read any more
	skipped  atomic.Uint64 // items in it
}

// openLink makes the link of a stream to a destination.
func (s *stream) openLink(to destination, r *routes) (_ *link, err error) {
	deps := s.door.deps
	l := &link{stream: s, name: to.Name, behind: to.MaxBehindBytes}
	if l.behind == 0 {
		l.behind = s.door.cfg.WALBytes / 2
	}
	if l.set, err = r.pipelines(s.signal); err != nil {
		return nil, err
	}
	if l.mark, err = s.log.Mark(to.Name); err != nil {
		return nil, err
	}
	l.exporter, err = export.New(to.config(s.signal), export.Deps{Now: deps.Now, Rand: deps.Rand, Log: deps.Log, LookupEnv: deps.LookupEnv, OnFault: func(f export.Finding) {
		s.door.faults.Report(deps.Now(), fault.Finding{Class: f.Class, Kind: f.Kind, Subject: f.Subject, Signal: f.Signal, Items: f.Items, Text: f.Text})
	}})
	if err != nil {
		return nil, err
	}
	l.pump, err = handoff.NewPump(handoff.PumpConfig{
		Sender: s.door.cfg.Name + "/" + s.signal.String(), Signal: signalOf(s.signal), Receiver: l, Logger: deps.Log,
		Log: &follower{stream: s, cursor: l.mark, skipTo: &l.skipTo, total: s.log.Stats().Total},
	})
	return l, err
}

// Push exports what the pipelines lead to the destination; see handoff.Receiver.
func (l *link) Push(ctx context.Context, b handoff.Batch) error {
	part, some, err := l.stream.through(l.set, l.name, b)
	if err != nil {
		return err
	}
	if !some {
		b.Done()
		return nil
	}
	return l.exporter.Push(ctx, part)
}

// run exports until ctx ends.
func (l *link) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		_ = l.exporter.Run(ctx) // it ends with ctx
	})
	err := l.pump.Run(ctx)
	cancel()
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
	err := l.mark.Release(position)
	items := l.mark.Stats().ReleasedTotal - before.ReleasedTotal
	l.skipped.Add(items)
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
	mark, stats := l.mark.Stats(), l.exporter.Stats()
	d := &ingestionv1.Destination{
		Name: l.name, Signal: signalOf(l.stream.signal), Done: mark.ReleasedTotal, BehindItems: mark.Weight, BehindBytes: uint64(mark.Bytes),
		Dropped: l.skipped.Load() + stats.Rejected, Retries: stats.Retries + l.pump.Stats().Retries,
	}
	for _, n := range stats.Dropped {
		d.Dropped += n
	}
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

// through passes b through pipelines and gives what leads to a destination, if anything does.
func (s *stream) through(set *pipeline.Set, destination string, b handoff.Batch) (handoff.Batch, bool, error) {
	if set == nil {
		return b, true, nil
	}
	start := s.door.deps.Now()
	var out pipeline.Output
	err := set.Run(pipeline.Input{
		Signal: s.signal, Payload: b.Payload, Items: b.Items, Tenant: b.Tenant, Elapsed: func() time.Duration { return s.door.deps.Now().Sub(start) },
	}, &out)
	if err != nil {
		return b, false, handoff.Final(fmt.Errorf("pass batch %d through the pipelines: %w", b.Position, err))
	}
	for _, p := range out.Parts {
		if p.Destination == destination && p.Items > 0 {
			if &p.Payload[0] != &b.Payload[0] { // the log has another
				b.Own, b.Read, b.Digest = nil, nil, 0
			}
			b.Payload, b.Items = p.Payload, p.Items
			return b, true, nil
		}
	}
	return b, false, nil
}
