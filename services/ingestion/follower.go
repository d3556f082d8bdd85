package ingestion

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/wal"
)

const (
	recordVersion = 3
	trailerBytes  = 14 // without the tenant
)

// cursor says how far a destination has come in a log.
type cursor interface {
	Released() uint64
	Release(position uint64) error
}

// follower reads the log of a stream for one destination: from memory what is new, from disk what is not. One goroutine
// uses it, but for Read.
type follower struct {
	stream *stream
	cursor cursor
	skipTo *atomic.Uint64 // position up to which nothing is read any more; nil reads all
	reader *wal.Reader
	next   uint64 // position that reader gives next
	total  uint64 // items up to the last entry, or all when there was none

	rereading sync.Mutex // guards what follows
	again     *wal.Reader
}

// Next implements handoff.Source.
func (f *follower) Next(ctx context.Context, after uint64) (handoff.Entry, error) {
	if f.skipTo != nil {
		after = max(after, f.skipTo.Load())
	}
	if s, ok := f.stream.tail.take(ctx, after+1, f.skipTo == nil); ok {
		f.total += uint64(s.items) // no position is left out between what memory holds
		return handoff.Entry{
			Position: s.position, Total: f.total, Items: s.items, ReceiveTime: s.at, Tenant: s.tenant,
			Payload: s.payload, Digest: s.digest, Free: s.buffer.release,
		}, nil
	}
	if f.reader == nil || f.next != after+1 {
		f.reader = f.stream.log.Reader(after + 1)
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
	e.Fault = decode(r.Data, &e)
	return e, nil
}

// Read implements handoff.Source. It is for what was sent and did not arrive, one record after the other.
func (f *follower) Read(ctx context.Context, position uint64) ([]byte, error) {
	f.rereading.Lock()
	defer f.rereading.Unlock()
	if f.again == nil {
		f.again = f.stream.log.Reader(position)
	}
	f.again.Seek(position)
	r, err := f.again.Next(ctx)
	if errors.Is(err, wal.ErrClosed) {
		return nil, handoff.ErrEnded
	}
	if err != nil {
		return nil, err
	}
	if r.Position != position {
		return nil, fmt.Errorf("read record %d again: it cannot be read any more", position)
	}
	var e handoff.Entry
	if err := decode(r.Data, &e); err != nil {
		return nil, err
	}
	return e.Payload, nil
}

// Released implements handoff.Source.
func (f *follower) Released() uint64 { return f.cursor.Released() }

// Release implements handoff.Source.
func (f *follower) Release(position uint64) error { return f.cursor.Release(position) }

// encode is the trailer of a record; it goes into b.
func encode(b []byte, at time.Time, items int, tenant string) []byte {
	b = append(b, tenant...)
	b = append(b, byte(len(tenant)))
	b = binary.LittleEndian.AppendUint32(b, uint32(items))
	b = binary.LittleEndian.AppendUint64(b, uint64(at.UnixNano()))
	return append(b, recordVersion)
}

// decode takes a record apart. Versions 1 and 2 began with a header, and with their number, with which no protobuf begins.
func decode(record []byte, e *handoff.Entry) error {
	n := len(record)
	switch {
	case n > 0 && (record[0] == 1 || record[0] == 2):
		return decodeHeader(record, e)
	case n < trailerBytes || record[n-1] != recordVersion || n < trailerBytes+int(record[n-trailerBytes]):
		return fmt.Errorf("decode record of %d bytes: want version 1 to %d and all of its fields", n, recordVersion)
	}
	end := n - trailerBytes
	start := end - int(record[end])
	e.Payload, e.Tenant = record[:start:start], string(record[start:end])
	e.ReceiveTime = time.Unix(0, int64(binary.LittleEndian.Uint64(record[n-9:]))).UTC()
	return nil
}

// decodeHeader is decode for the versions that had a header; the first had no tenant.
func decodeHeader(record []byte, e *handoff.Entry) error {
	const tenantAt = trailerBytes - 1
	switch {
	case len(record) >= tenantAt && record[0] == 1:
		e.Payload = record[tenantAt:]
	case len(record) >= trailerBytes && record[0] == 2 && len(record) >= trailerBytes+int(record[tenantAt]):
		end := trailerBytes + int(record[tenantAt])
		e.Tenant, e.Payload = string(record[trailerBytes:end]), record[end:]
	default:
		return fmt.Errorf("decode record of %d bytes: want all fields of version %d", len(record), record[0])
	}
	e.ReceiveTime = time.Unix(0, int64(binary.LittleEndian.Uint64(record[1:]))).UTC()
	return nil
}
