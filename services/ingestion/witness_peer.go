package ingestion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/triflow/triflow/pkg/breaker"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

const (
	// showEvery is how long receipts are gathered.
	showEvery = 200 * time.Millisecond
	// showLimit is how long a peer may take to compare them.
	showLimit = 5 * time.Second
	// mostShown is how many receipts a call has.
	mostShown = 1000
	// mostPending is how many receipts a peer may lack; then it loses the oldest.
	mostPending = 10 * mostShown
	// firstPause and longestPause bound for how long a peer that failed is left alone.
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// comparer is what a notary calls of another collector.
type comparer interface {
	Compare(ctx context.Context, in *ingestionv1.CompareRequest, opts ...grpc.CallOption) (*ingestionv1.CompareResponse, error)
}

// witnessPeer is another collector, and the receipts that it was not shown yet.
type witnessPeer struct {
	of      *notary
	name    string
	client  comparer
	hangUp  func() error
	breaker *breaker.Breaker

	sent, received, lost atomic.Uint64 // receipts that it was shown, that came in its name, and that it will not see

	mu      sync.Mutex // guards pending
	pending []witness.Receipt
}

// openPeer makes the way to another collector; nothing is sent yet.
func (n *notary) openPeer(c collector) (*witnessPeer, error) {
	conn, hangUp, err := n.door.deps.Dial(c.Address)
	if err != nil {
		return nil, fmt.Errorf("collector %s: %w", c.Name, err)
	}
	pause := func(times int) time.Duration { return pauseAfter(times, n.door.deps.Rand()) }
	return &witnessPeer{
		of: n, name: c.Name, client: ingestionv1.NewWitnessServiceClient(conn), hangUp: hangUp,
		breaker: breaker.New(breaker.Settings{Failures: 1, Wait: pause}),
	}, nil
}

// pauseAfter is for how long a peer is left alone that failed so many times in a row, from 1: a share, 0 to 1, of what
// doubles each time.
func pauseAfter(times int, share float64) time.Duration {
	most := min(float64(longestPause), float64(firstPause)*math.Pow(2, float64(times-1)))
	return time.Duration(max(most*share, float64(firstPause)/10))
}

// add has r shown with the next ones.
func (p *witnessPeer) add(r witness.Receipt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == mostPending {
		p.pending = slices.Delete(p.pending, 0, mostShown)
		p.lost.Add(mostShown)
	}
	p.pending = append(p.pending, r)
}

// next takes out what is shown next.
func (p *witnessPeer) next() []witness.Receipt {
	p.mu.Lock()
	defer p.mu.Unlock()
	some := slices.Clone(p.pending[:min(len(p.pending), mostShown)])
	p.pending = slices.Delete(p.pending, 0, len(some))
	return some
}

// back puts in again what could not be shown, as far as there is room.
func (p *witnessPeer) back(some []witness.Receipt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	over := max(len(some)+len(p.pending)-mostPending, 0)
	p.lost.Add(uint64(over))
	p.pending = slices.Insert(p.pending, 0, some[over:]...)
}

// run shows receipts until ctx ends.
func (p *witnessPeer) run(ctx context.Context) {
	tick := time.NewTicker(showEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for p.show(ctx) {
		}
	}
}

// show shows the peer what it lacks, at most one call of it, and tells whether to go on.
func (p *witnessPeer) show(ctx context.Context) bool {
	some := p.next()
	if len(some) == 0 {
		return false
	}
	permit, err := p.breaker.Allow(p.of.door.deps.Now())
	if err != nil {
		p.back(some)
		return false
	}
	request := &ingestionv1.CompareRequest{}
	for _, r := range some {
		request.Receipts = append(request.Receipts, r.Proto())
	}
	call, cancel := context.WithTimeout(ctx, showLimit)
	defer cancel()
	answer, err := p.client.Compare(call, request)
	now := p.of.door.deps.Now()
	switch {
	case err == nil:
		permit.Done(now, breaker.Success)
		p.sent.Add(uint64(len(some)))
		p.heed(answer, some)
		return true
	case ctx.Err() != nil:
		permit.Done(now, breaker.Ignored)
	case isFinal(err):
		permit.Done(now, breaker.Failure)
		p.lost.Add(uint64(len(some)))
		p.report(ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, fault.Refused, "receipts were refused: %v", err)
	default:
		permit.Done(now, breaker.Failure)
		p.back(some)
		p.report(ingestionv1.FaultClass_FAULT_CLASS_CRASH, fault.Unreachable, "receipts could not be shown: %v", err)
	}
	return false
}

// heed notes what the peer holds against the receipts that it was shown.
func (p *witnessPeer) heed(answer *ingestionv1.CompareResponse, shown []witness.Receipt) {
	err := errors.New("more receipts than it was shown")
	if len(answer.GetContradictions()) <= len(shown) {
		var theirs []witness.Receipt
		theirs, err = readReceipts(answer.GetContradictions())
		if err == nil {
			var found []*witness.Contradiction
			found, err = p.of.core.See(theirs...)
			for _, c := range found {
				p.of.report(c)
			}
		}
	}
	if err != nil {
		p.report(ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, fault.Validation, "answer to receipts: %v", err)
	}
}

func (p *witnessPeer) report(class ingestionv1.FaultClass, kind, format string, err error) {
	p.of.door.faults.Report(p.of.door.deps.Now(), fault.Finding{Class: class, Kind: kind, Subject: p.name, Text: fmt.Sprintf(format, err)})
}
