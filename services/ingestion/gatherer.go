package ingestion

import (
	"context"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/services/ingestion/internal/gather"
)

// gatherBytes bounds what waits in the gatherer of a link.
const gatherBytes = 16 << 20

// gatherer holds requests for a link until those that belong together are there.
type gatherer struct {
	link *link
	bag  *gather.Bag // of the goroutine of run
	now  func() time.Time
	in   chan handoff.Batch // without a buffer: what push gave away the bag has
	end  chan struct{}      // closed when run has
}

func newGatherer(length time.Duration, now func() time.Time, l *link) *gatherer {
	return &gatherer{
		link: l, bag: gather.New(gather.Limits{Window: length, Bytes: gatherBytes}), now: now,
		in: make(chan handoff.Batch), end: make(chan struct{}),
	}
}

// push takes b over. It waits while the link is busy, until ctx ends, and returns handoff.ErrStopped after the end of run.
func (g *gatherer) push(ctx context.Context, b handoff.Batch) error {
	select {
	case g.in <- b:
		return nil
	case <-g.end:
		return handoff.ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run passes on what is due, and from ending on all that there is, until ctx ends. What it has then is not done.
func (g *gatherer) run(ctx context.Context, ending <-chan struct{}) {
	defer close(g.end)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for until := gather.Due; ; {
		all, wait := g.bag.Next(g.now(), until)
		if all != nil {
			if !g.pass(ctx, all) {
				return
			}
			continue
		}
		if timer.Stop(); wait > 0 {
			timer.Reset(wait)
		}
		select {
		case b := <-g.in:
			g.bag.Add(b, g.now())
		case <-timer.C:
		case <-ending:
			until, ending = gather.Empty, nil
		case <-ctx.Done():
			return
		}
	}
}

// pass is false when ctx or the exporter has ended.
func (g *gatherer) pass(ctx context.Context, all []handoff.Batch) bool {
	err := g.link.pass(ctx, all)
	if err == nil {
		return true
	}
	if !handoff.IsFinal(err) {
		return false
	}
	g.link.stream.door.deps.Log.Error("batches refused for good", "destination", g.link.name, "position", all[0].Position, "batches", len(all), "error", err)
	for _, b := range all {
		b.Done()
	}
	return true
}
