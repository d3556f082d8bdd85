package anomaly

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/triflow/triflow/pkg/wal"
	anomalyv1 "github.com/triflow/triflow/proto/gen/triflow/anomaly/v1"
)

// What a record of the journal holds. Each begins with it, and with the time of arrival, 8 bytes of Unix ns, little endian.
const (
	recordPoints  = 'p' // an ObserveRequest
	recordMetrics = 'm' // an ExportMetricsServiceRequest
	recordHeader  = 9
	segmentBytes  = 8 << 20
)

// journal keeps the inputs of the last minutes for a restart. It belongs to who has the turn.
type journal struct {
	log    *wal.Log
	logger *slog.Logger
	keep   time.Duration
	max    int64
	held   []note // what is not released, oldest first
	size   int64  // of held
}

// note is where a record stands.
type note struct {
	position uint64
	received int64 // Unix ns
	size     int64
}

func openJournal(dir string, cfg Config, log *slog.Logger) (*journal, error) {
	// Only whole segments can be freed, so the log may be larger than what is held by two of them.
	l, err := wal.Open(dir, wal.Options{SegmentBytes: segmentBytes, MaxBytes: cfg.JournalBytes + 3*segmentBytes, Log: log})
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &journal{log: l, logger: log, keep: cfg.Replay, max: cfg.JournalBytes}, nil
}

// replay gives the inputs that came after since, in their order. What cannot be read is passed over and logged.
func (j *journal) replay(since time.Time, give func(input)) error {
	stats := j.log.Stats()
	r := j.log.Reader(stats.Released + 1)
	for last := stats.Released; last < stats.Position; {
		record, err := j.next(r)
		if errors.Is(err, context.DeadlineExceeded) {
			j.logger.Error("end of the journal is unreadable", "position", last)
			return nil
		}
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		last = record.Position
		in, err := decodeInput(record.Data)
		if err != nil {
			j.logger.Error("record of the journal passed over", "position", last, "error", err)
			continue
		}
		j.note(last, in.received, int64(len(record.Data)))
		if in.received.After(since) {
			give(in)
		}
	}
	return nil
}

// next reads what is known to be there. Were it damaged, the reader would wait for another.
func (j *journal) next(r *wal.Reader) (wal.Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return r.Next(ctx)
}

// append is back when in is on disk, and lets go of what is older than needed or too much.
func (j *journal) append(ctx context.Context, in input) error {
	kind, m := byte(recordPoints), proto.Message(&anomalyv1.ObserveRequest{Points: in.points})
	if in.metrics != nil {
		kind, m = recordMetrics, in.metrics
	}
	payload, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("note input: %w", err)
	}
	j.trim(in.received.Add(-j.keep).UnixNano(), int64(len(payload)))
	header := binary.LittleEndian.AppendUint64([]byte{kind}, uint64(in.received.UnixNano()))
	position, err := j.log.Append(ctx, 1, header, payload)
	if err != nil {
		return fmt.Errorf("note input: %w", err)
	}
	j.note(position, in.received, int64(recordHeader+len(payload)))
	return nil
}

func (j *journal) note(position uint64, received time.Time, size int64) {
	j.held = append(j.held, note{position, received.UnixNano(), size})
	j.size += size
}

// trim releases what came before the time, and as much as makes room. A release that fails is made up for by the next.
func (j *journal) trim(before, room int64) {
	n := 0
	for ; n < len(j.held) && (j.held[n].received < before || j.size+room > j.max); n++ {
		j.size -= j.held[n].size
	}
	if n > 0 {
		_ = j.log.Release(j.held[n-1].position)
		j.held = append(j.held[:0], j.held[n:]...)
	}
}

func (j *journal) close() error { return j.log.Close() }

func decodeInput(record []byte) (input, error) {
	if len(record) < recordHeader {
		return input{}, fmt.Errorf("record of %d bytes, want at least %d", len(record), recordHeader)
	}
	in := input{received: time.Unix(0, int64(binary.LittleEndian.Uint64(record[1:])))}
	var err error
	switch body := record[recordHeader:]; record[0] {
	case recordPoints:
		req := &anomalyv1.ObserveRequest{}
		err = proto.Unmarshal(body, req)
		in.points = req.GetPoints()
	case recordMetrics:
		in.metrics = &collectorv1.ExportMetricsServiceRequest{}
		err = proto.Unmarshal(body, in.metrics)
	default:
		err = fmt.Errorf("record of kind %q, want %q or %q", record[0], recordPoints, recordMetrics)
	}
	return in, err
}
