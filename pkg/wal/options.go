package wal

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Sync says when a record counts as stored.
type Sync int

const (
	// SyncAlways acknowledges after fdatasync.
	SyncAlways Sync = iota
	// SyncInterval acknowledges after the write and syncs every Options.SyncEvery: a power cut may cost that much.
	SyncInterval
	// SyncNone acknowledges after the write and leaves the rest to the system.
	SyncNone
)

var syncNames = [...]string{SyncAlways: "always", SyncInterval: "interval", SyncNone: "none"}

// String gives always, interval or none.
func (s Sync) String() string {
	if s < 0 || int(s) >= len(syncNames) {
		return fmt.Sprintf("Sync(%d)", int(s))
	}
	return syncNames[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Sync) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, for flags.
func (s *Sync) UnmarshalText(text []byte) error {
	i := slices.Index(syncNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("sync: %q, want always, interval or none", text)
	}
	*s = Sync(i)
	return nil
}

// Options are the limits of a log. A zero field takes its default.
type Options struct {
	// SegmentBytes is the size of a file; 64 MiB by default, 4 KiB to 32 GiB.
	SegmentBytes int64
	// MaxBytes bounds all files that can still be needed; 4 GiB by default, at least two segments.
	MaxBytes int64
	// MaxRecordBytes bounds one record; by default, and at most, what fits in a segment.
	MaxRecordBytes int
	// Sync is SyncAlways by default.
	Sync Sync
	// SyncEvery is the pace of SyncInterval; 1 s by default.
	SyncEvery time.Duration
	// Log hears of damage and failures of the disk; nobody does by default.
	Log *slog.Logger
}

func (o *Options) complete() error {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = max(4<<30, 2*o.SegmentBytes)
	}
	room := o.SegmentBytes - headerBytes - recordBytes - endBytes - alignment
	if o.MaxRecordBytes == 0 {
		o.MaxRecordBytes = int(min(room, 1<<30))
	}
	if o.SyncEvery == 0 {
		o.SyncEvery = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	want(o.SegmentBytes >= 4<<10 && o.SegmentBytes < maxSegmentBytes, "segment bytes: %d, want 4096 to %d",
		o.SegmentBytes, maxSegmentBytes-alignment)
	want(o.SegmentBytes%alignment == 0, "segment bytes: %d, want a multiple of %d", o.SegmentBytes, alignment)
	want(o.MaxBytes >= 2*o.SegmentBytes, "max bytes: %d, want at least two segments of %d", o.MaxBytes, o.SegmentBytes)
	want(o.MaxRecordBytes > 0 && int64(o.MaxRecordBytes) <= room && o.MaxRecordBytes <= 1<<30,
		"max record bytes: %d, want 1 to %d", o.MaxRecordBytes, min(room, 1<<30))
	want(o.Sync >= SyncAlways && o.Sync <= SyncNone, "sync: %d, want always, interval or none", o.Sync)
	want(o.SyncEvery > 0, "sync every: %v, want more than 0", o.SyncEvery)
	return errors.Join(faults...)
}
