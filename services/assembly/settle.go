package assembly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
)

const (
	// askSize is how many traces are decided in one call, roundSize how many are committed at once.
	askSize, roundSize = 512, 4096
	// askTimeout bounds a call to sampling; after a failure it is left alone for askPause, doubled up to askPauseMax.
	askTimeout, askPause, askPauseMax = 5 * time.Second, 100 * time.Millisecond, 2 * time.Second
)

// settler closes, decides and commits traces. One goroutine uses it, but for waiting.
type settler struct {
	pic     picture
	sources []*source
	calls   calls
	out     otlp.Writer
	closed  []*trace

	keys  []string // attributes the policies ask for
	epoch uint64   // of these policies; 0: not read yet
	after time.Time
	pause time.Duration
	// refused is the error of the last call to sampling.
	refused error

	// stuck is a round whose commit failed; it is tried again before anything else.
	stuck *round
}

// ruling is a trace with its decision.
type ruling struct {
	trace    *trace
	decision *samplingv1.Decision
}

// round is what is committed at once.
type round struct {
	commit Commit
	done   []*batch
	traces []*trace
}

// settle closes what is due, asks for decisions on all that wait, and commits them.
func (s *Service) settle(ctx context.Context) error {
	s.closeDue(s.deps.Now())
	if s.settler.stuck != nil {
		if err := s.finish(s.settler.stuck); err != nil {
			return err
		}
		s.settler.stuck = nil
	}
	for {
		rulings, more, err := s.decide(ctx)
		if len(rulings) == 0 && s.accounts.idle() {
			return err
		}
		if failed := s.commit(rulings); failed != nil || err != nil || !more {
			return errors.Join(err, failed)
		}
	}
}

// closeDue takes the traces that are due out of the shards, counts what is seen only of a whole trace, and makes them
// wait for their decision.
func (s *Service) closeDue(now time.Time) {
	closed := s.settler.closed[:0]
	_, p := s.admission.read()
	for i := range s.shards {
		// Under waitingMu, so that a reader who looks into the shard first finds a trace in one place or the other.
		from := len(closed)
		s.waitingMu.Lock()
		closed = s.shards[i].close(now.UnixNano(), &s.waits, p, closed)
		s.waiting = append(s.waiting, closed[from:]...)
		s.waitingMu.Unlock()
	}
	for _, t := range closed {
		s.lay(t)
		s.bookMu.Lock()
		s.settler.calls.count(&s.settler.pic, now)
		s.bookMu.Unlock()
	}
	clear(closed)
	s.settler.closed = closed
}

// lay makes the settler's picture show t.
func (s *Service) lay(t *trace) {
	s.settler.sources = s.settler.sources[:0]
	for _, p := range t.parts {
		s.settler.sources = append(s.settler.sources, &p.batch.source)
	}
	s.settler.pic.lay(s.settler.sources, t.entries)
}

// decide asks for the decisions of up to roundSize waiting traces. more tells that others wait. After an error the
// rulings that came before it hold.
func (s *Service) decide(ctx context.Context) (rulings []ruling, more bool, err error) {
	picked, more := s.pick()
	st := &s.settler
	if len(picked) == 0 || s.deps.Now().Before(st.after) {
		return nil, false, st.refused
	}
	for ask := range slices.Chunk(picked, askSize) {
		rulings, err = s.ask(ctx, ask, rulings)
		if err != nil {
			st.pause = min(max(2*st.pause, askPause), askPauseMax)
			st.after = s.deps.Now().Add(st.pause)
			s.metrics.askFailures.Add(ctx, 1)
			st.refused = fmt.Errorf("decide %d traces: %w", len(ask), err)
			return rulings, false, st.refused
		}
	}
	st.pause, st.refused = 0, nil
	return rulings, more, nil
}

// pick gives waiting traces, oldest first, one of an id: a later fragment has to see what became of the first.
func (s *Service) pick() (picked []*trace, more bool) {
	s.waitingMu.Lock()
	defer s.waitingMu.Unlock()
	seen := make(map[id.Trace]struct{}, min(len(s.waiting), roundSize))
	for _, t := range s.waiting {
		if _, ok := seen[t.id]; ok || len(picked) == roundSize {
			more = true
			continue
		}
		seen[t.id] = struct{}{}
		picked = append(picked, t)
	}
	return picked, more
}

// ask appends the rulings on some traces.
func (s *Service) ask(ctx context.Context, traces []*trace, rulings []ruling) ([]ruling, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if s.settler.epoch == 0 {
		if err := s.readPolicies(ctx); err != nil {
			return rulings, err
		}
	}
	req := &samplingv1.DecideRequest{Traces: make([]*samplingv1.TraceFacts, 0, len(traces))}
	for _, t := range traces {
		s.lay(t)
		req.Traces = append(req.Traces, s.settler.pic.facts(t.id, s.settler.keys))
	}
	resp, err := s.deps.Sampling.Decide(ctx, req)
	if err != nil {
		return rulings, err
	}
	if len(resp.GetDecisions()) != len(traces) {
		return rulings, fmt.Errorf("%d decisions came, want %d", len(resp.GetDecisions()), len(traces))
	}
	for i, d := range resp.GetDecisions() {
		if d.GetTraceId() != req.Traces[i].GetTraceId() || d.GetVerdict() == samplingv1.Verdict_VERDICT_UNSPECIFIED {
			return rulings, fmt.Errorf("decision %d is %v on trace %q, want a verdict on %s", i, d.GetVerdict(), d.GetTraceId(), traces[i].id)
		}
		rulings = append(rulings, ruling{traces[i], d})
	}
	if resp.GetEpoch() != s.settler.epoch {
		s.settler.epoch = 0
	}
	return rulings, nil
}

// readPolicies learns which attributes the policies in force ask for.
func (s *Service) readPolicies(ctx context.Context) error {
	resp, err := s.deps.Sampling.GetPolicySet(ctx, &samplingv1.GetPolicySetRequest{})
	if err != nil {
		return fmt.Errorf("read policies: %w", err)
	}
	s.settler.keys = resp.GetPolicySet().GetAttributeKeys()
	s.settler.epoch = resp.GetPolicySet().GetEpoch()
	return nil
}

// commit makes a round of rulings durable.
func (s *Service) commit(rulings []ruling) error {
	r := &round{commit: Commit{Time: s.deps.Now()}}
	var ids []id.Trace
	var outcomes []outcome
	for _, ruling := range rulings {
		o, err := s.judge(ruling, &r.commit)
		if err != nil {
			return err // nothing is accounted for; the traces are asked again
		}
		r.traces, ids, outcomes = append(r.traces, ruling.trace), append(ids, ruling.trace.id), append(outcomes, o)
	}
	r.done = s.accounts.settleRound(&r.commit, ids, outcomes)
	if err := s.finish(r); err != nil {
		s.settler.stuck = r
		return err
	}
	return nil
}

// finish commits a round and lets go of what it held.
func (s *Service) finish(r *round) error {
	if err := s.store.Commit(&r.commit); err != nil {
		return err
	}
	s.forget(r.traces)
	for _, b := range r.done {
		for _, done := range s.accounts.release(b) {
			done()
		}
		s.admission.release(b.bytes)
	}
	return nil
}

// forget takes settled traces off the waiting list and lets them be used again.
func (s *Service) forget(traces []*trace) {
	if len(traces) == 0 {
		return
	}
	gone := make(map[*trace]struct{}, len(traces))
	for _, t := range traces {
		gone[t] = struct{}{}
	}
	s.waitingMu.Lock()
	s.waiting = slices.DeleteFunc(s.waiting, func(t *trace) bool {
		_, ok := gone[t]
		return ok
	})
	s.waitingMu.Unlock()
	for _, t := range traces {
		s.shardOf(&t.id).reuse(t)
	}
}
