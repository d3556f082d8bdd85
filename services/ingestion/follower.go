package ingestion

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
)

const (
	recordVersion = 1
	headerBytes   = 13
)

// follower reads the log of a stream for one destination: from memory what is new, from disk what is not. One goroutine
// uses it.
type follower struct {
	*stream
	reader *wal.Reader
	next   uint64 // position that reader gives next
	total  uint64 // items up to the last entry, or all when there was none
}

// Next implements handoff.Source.
func (f *follower) Next(ctx context.Context, after uint64) (handoff.Entry, error) {
	if s, ok := f.tail.take(ctx, after+1); ok {
		f.total += uint64(s.items) // no position is left out between what memory holds
		return handoff.Entry{
			Position: s.position, Total: f.total, Items: s.items, ReceiveTime: s.at, Payload: s.payload, Free: s.buffer.release,
		}, nil
	}
	if f.reader == nil || f.next != after+1 {
		f.reader = f.log.Reader(after + 1)
	}
	r, err := f.reader.Next(ctx)
	if errors.Is(err, wal.ErrClosed) {
		return handoff.Entry{}, handoff.ErrEnded
	}
	if err != nil {
		return handoff.Entry{}, err
	}
	f.next, f.total = r.Position+1, r.Total
	e := handoff.Entry{Position: r.Position, Total: r.Total, Items: int(r.Weight)}
	e.ReceiveTime, e.Payload, e.Fault = decode(r.Data)
	return e, nil
}

// Released implements handoff.Source.
func (f *follower) Released() uint64 { return f.log.Released() }

// Release implements handoff.Source.
func (f *follower) Release(position uint64) error { return f.log.Release(position) }

// decode takes a record apart.
func decode(record []byte) (time.Time, []byte, error) {
	if len(record) < headerBytes || record[0] != recordVersion {
		return time.Time{}, nil, fmt.Errorf("decode record of %d bytes: want version %d and a header of %d", len(record), recordVersion, headerBytes)
	}
	return time.Unix(0, int64(binary.LittleEndian.Uint64(record[1:]))).UTC(), record[headerBytes:], nil
}
