package ingestion

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/wal"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// tailBytes is how much of the newest records of a signal is held in memory for those who hand it on.
const tailBytes = 32 << 20

// stream is the way of one signal: its log, its pump and its accounts.
type stream struct {
	door     *Service
	signal   otlp.Signal
	log      *wal.Log
	tail     *tail
	pump     *handoff.Pump
	receiver handoff.Receiver
	account  *account
	passage  *passage // nil without pipelines
	links    []*link
	requests atomic.Uint64
	handed   atomic.Uint64 // items up to what the receiver took last
	led      atomic.Uint64 // items that it took since start without pipelines, and the bytes of their requests
	bytes    atomic.Uint64

	mu      sync.Mutex // guards refused
	refused map[string]uint64
}

func (s *Service) openStream(signal otlp.Signal, to handoff.Receiver, r *routes) (_ *stream, err error) {
	cfg, deps := s.cfg, s.deps
	log, err := wal.Open(filepath.Join(deps.Dir, signal.String()), wal.Options{
		SegmentBytes: cfg.SegmentBytes, MaxBytes: cfg.WALBytes, Log: deps.Log, Sync: cfg.sync(),
	})
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", signal, err)
	}
	stats := log.Stats()
	held := int64(tailBytes)
	if cfg.sync() == wal.SyncInterval {
		held = 0 // nothing is handed on that a power cut could take back
	}
	st := &stream{
		door: s, signal: signal, log: log, tail: newTail(stats.Position, held, 1+r.links(signal)), receiver: to, refused: map[string]uint64{},
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open ways of %s: %w", signal, errors.Join(err, log.Close()))
		}
	}()
	st.account = newAccount(log, func() wal.MarkStats { return log.Marks()[0] })
	st.account.passed = func(last time.Time) { s.senders.Done(signalOf(signal), deps.Now().Sub(last)) }
	st.handed.Store(st.account.before)
	if st.passage, err = r.passage(signal, pipeline.Service, st.account, deps.Now); err != nil {
		return nil, err
	}
	st.pump, err = handoff.NewPump(handoff.PumpConfig{
		Sender: cfg.Name + "/" + signal.String(), Signal: signalOf(signal), Log: &follower{stream: st, cursor: st.account, total: stats.Total},
		Receiver: st, MaxBytes: cfg.HandoffBytes, Logger: deps.Log,
	})
	if err != nil {
		return nil, err
	}
	return st, st.openLinks(r)
}

// links is to how many destinations beside its owner a signal may go.
func (r *routes) links(signal otlp.Signal) int {
	if !r.signals[signal] {
		return 0
	}
	return len(r.Destinations)
}

// openLinks makes the ways to all destinations, and forgets how far those had come that are configured no more.
func (s *stream) openLinks(r *routes) error {
	for _, m := range s.log.Marks()[1:] {
		if slices.Contains(r.names, m.Name) && r.signals[s.signal] {
			continue
		}
		s.door.deps.Log.Info("destination forgotten", "destination", m.Name, "signal", s.signal.String(), "behind_items", m.Weight)
		if err := s.log.Forget(m.Name); err != nil {
			return err
		}
	}
	for _, to := range r.Destinations[:r.links(s.signal)] {
		l, err := s.openLink(to, r)
		if err != nil {
			return fmt.Errorf("destination %s: %w", to.Name, err)
		}
		s.links = append(s.links, l)
	}
	return nil
}

// signalOf is a signal in the contracts.
func signalOf(s otlp.Signal) handoffv1.Signal { return handoffv1.Signal(s) + 1 }

// append is back when the payload, within b or made from it, is durable.
func (s *stream) append(ctx context.Context, now time.Time, tenant string, items int, b *buffer, payload []byte) error {
	digest := handoff.Digest(payload) // for the log and for who gets it; here it is still in the cache
	position, err := s.log.AppendDigested(ctx, items, digest, payload, encode(make([]byte, 0, 96), now, items, tenant))
	if err != nil {
		return err
	}
	if &payload[0] != &b.bytes[0] { // it was made anew; it is never empty, since it has items
		b = s.door.buffers.own(&buffer{bytes: payload, home: s.door.buffers})
		defer b.release()
	}
	s.tail.put(slot{position: position, items: items, at: now, tenant: tenant, payload: payload, digest: digest, buffer: b})
	s.tail.pace(ctx)
	return nil
}

// Push hands b to the receiver and notes how far that is; see handoff.Receiver.
func (s *stream) Push(ctx context.Context, b handoff.Batch) error {
	s.account.begin(b) // before the push, since a batch may be done before Push returns
	var err error
	if s.passage == nil {
		s.account.note(b.Position, pipeline.Fates{Led: uint64(b.Items)})
		items, bytes := uint64(b.Items), uint64(len(b.Payload))
		if err = s.receiver.Push(ctx, b); err == nil {
			s.led.Add(items)
			s.bytes.Add(bytes)
		}
	} else {
		err = s.passage.push(ctx, []handoff.Batch{b}, s.receiver)
	}
	switch {
	case err == nil:
		s.handed.Store(b.TotalItems)
	case handoff.IsFinal(err):
		s.account.refuse(b.Position)
	case ctx.Err() == nil:
		s.unreachable(err)
	}
	return err
}

// count adds items to those that were refused for a reason.
func (s *stream) count(reason string, items int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[reason] += uint64(items)
}

// ledger tells how the stream stands.
func (s *stream) ledger() *ingestionv1.SignalLedger {
	done := s.account.items() // before accepted, which it never passes
	handed := max(done, s.handed.Load())
	stats := s.log.Stats()
	l := &ingestionv1.SignalLedger{
		Signal: signalOf(s.signal), Accepted: stats.Total, Done: done, Backlog: stats.Total - handed,
		Requests: s.requests.Load(), WalBytes: uint64(stats.Bytes), Lost: stats.LostWeight,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, reason := range slices.Sorted(maps.Keys(s.refused)) {
		l.Refused = append(l.Refused, &ingestionv1.RefusedCount{Reason: reason, Items: s.refused[reason]})
	}
	return l
}
