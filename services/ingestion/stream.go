package ingestion

import (
	"context"
	"encoding/binary"
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
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

// tailBytes is how much of the newest records of a signal is held in memory for those who hand it on.
const tailBytes = 32 << 20

// stream is the way of one signal: its log, its pump and its accounts.
type stream struct {
	signal   otlp.Signal
	log      *wal.Log
	tail     *tail
	buffers  *buffers
	pump     *handoff.Pump
	receiver handoff.Receiver
	faults   *fault.Registry
	now      func() time.Time
	dropped  atomic.Uint64 // items that the receiver refused for good
	requests atomic.Uint64
	handed   atomic.Uint64 // items that the receiver took
	done     atomic.Uint64 // items that are done

	mu      sync.Mutex // guards refused, under
	refused map[string]uint64
	under   []total // batches under way, by position
}

type total struct{ position, items uint64 }

func openStream(cfg Config, deps Deps, memory *buffers, faults *fault.Registry, signal otlp.Signal, to handoff.Receiver) (*stream, error) {
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
	s := &stream{
		signal: signal, log: log, tail: newTail(stats.Position, held, 1), buffers: memory, receiver: to, faults: faults, now: deps.Now, refused: map[string]uint64{},
	}
	before := log.Marks()[0].ReleasedTotal
	s.done.Store(before)
	s.handed.Store(before)
	s.pump, err = handoff.NewPump(handoff.PumpConfig{
		Sender: cfg.Name + "/" + signal.String(), Signal: handoffv1.Signal(signal) + 1, Log: &follower{stream: s, total: stats.Total}, Receiver: s,
		OnDone: s.onDone, Logger: deps.Log,
	})
	if err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("make pump of %s: %w", signal, err)
	}
	return s, nil
}

// append is back when the payload, within b or made from it, is durable.
func (s *stream) append(ctx context.Context, now time.Time, items int, b *buffer, payload []byte) error {
	var header [headerBytes]byte
	header[0] = recordVersion
	binary.LittleEndian.PutUint64(header[1:], uint64(now.UnixNano()))
	binary.LittleEndian.PutUint32(header[9:], uint32(items))
	position, err := s.log.Append(ctx, items, header[:], payload)
	if err != nil {
		return err
	}
	if len(payload) != len(b.bytes) { // it was made anew
		b = s.buffers.own(&buffer{bytes: payload, home: s.buffers})
		defer b.release()
	}
	s.tail.put(slot{position: position, items: items, at: now, payload: payload, buffer: b})
	return nil
}

// Push hands b to the receiver and notes how far that is; see handoff.Receiver.
func (s *stream) Push(ctx context.Context, b handoff.Batch) error {
	// Before the push, since a batch may be done before Push returns; a push that is tried again notes it once.
	s.mu.Lock()
	if n := len(s.under); n == 0 || s.under[n-1].position < b.Position {
		s.under = append(s.under, total{b.Position, b.TotalItems})
	}
	s.mu.Unlock()
	if err := s.receiver.Push(ctx, b); err != nil {
		switch {
		case handoff.IsFinal(err):
			s.dropped.Add(uint64(b.Items))
		case ctx.Err() == nil:
			s.unreachable(err)
		}
		return err
	}
	s.handed.Store(b.TotalItems)
	return nil
}

// onDone follows the log's release.
func (s *stream) onDone(position uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for ; n < len(s.under) && s.under[n].position <= position; n++ {
		s.done.Store(s.under[n].items)
	}
	s.under = append(s.under[:0], s.under[n:]...)
}

// count adds items to those that were refused for a reason.
func (s *stream) count(reason string, items int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[reason] += uint64(items)
}

// ledger tells how the stream stands.
func (s *stream) ledger() *ingestionv1.SignalLedger {
	done := s.done.Load() // before accepted, which it never passes
	handed := max(done, s.handed.Load())
	stats := s.log.Stats()
	l := &ingestionv1.SignalLedger{
		Signal: handoffv1.Signal(s.signal) + 1, Accepted: stats.Total, Done: done, Backlog: stats.Total - handed,
		Requests: s.requests.Load(), WalBytes: uint64(stats.Bytes), Lost: stats.LostWeight,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, reason := range slices.Sorted(maps.Keys(s.refused)) {
		l.Refused = append(l.Refused, &ingestionv1.RefusedCount{Reason: reason, Items: s.refused[reason]})
	}
	return l
}
