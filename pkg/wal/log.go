package wal

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var (
	// ErrFull says that MaxBytes or the disk is used up; it passes when records are released.
	ErrFull = errors.New("log is full")
	// ErrTooLarge says that a record is above MaxRecordBytes; it will never fit.
	ErrTooLarge = errors.New("record is too large")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("log is closed")
	// ErrInUse says that another process, or another Log of this one, has the folder.
	ErrInUse = errors.New("folder is in use")
)

// Stats tells how the log stands. Counts are since Open, but for Position, Total and Released.
type Stats struct {
	Bytes    int64 // of segments and spares on disk
	Segments int   // files with records, the current one included
	Spares   int   // files that wait to be used again

	Position uint64 // of the newest durable record, or the last that is never given again
	Total    uint64 // weight up to and with it
	Released uint64

	Records      uint64 // appended
	Syncs        uint64 // of data; Records/Syncs is the size of a group
	SyncFailures uint64 // failed writes and syncs, each of which ended a segment

	Damaged     uint64 // places that could not be read; after a power cut perhaps the last group, of which nobody was told
	LostRecords uint64 // records in them, as far as the neighbours tell
	LostWeight  uint64 // their weight
	Torn        uint64 // ends of segments that were not as they are left; most likely nothing acknowledged was there
	Quarantined uint64 // segments set aside
}

// Log is a write-ahead log in a folder. Its methods may be called by many goroutines.
type Log struct {
	opts     Options
	disk     disk
	id       uint64
	queue    *queue
	requests sync.Pool     // of *request
	quit     chan struct{} // closed by Close
	stopped  chan struct{} // closed when the writer has ended

	own       *Mark
	releasing sync.Mutex // makes releases one after the other; guards the files of the marks, and provided
	provided  uint64     // base of the segment for whose successor a spare was made, or could not be

	mu       sync.Mutex // guards what follows; never held during I/O
	closed   bool
	segments []*segment // by base; never empty once a record was appended
	spares   []spare
	marks    []*Mark       // by name, own first; replaced, never changed
	position uint64        // up to it all is durable, or never given again
	reserved uint64        // the marks say on disk that positions up to it may have been given; see reserve
	newest   uint64        // position of the newest durable record
	total    uint64        // weight up to it
	advanced chan struct{} // closed when there is more to read; nil while nobody waits
	stats    Stats
}

// spare is a file that can become a segment.
type spare struct {
	name string
	size int64
}

// Open opens or makes the log in dir, reads through all that is in it, and starts the writer. The error is ErrInUse
// when somebody has the folder. Damage is no error: see Stats.
func Open(dir string, o Options) (*Log, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	d, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l, err := open(d, o)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, errors.Join(err, d.Close()))
	}
	return l, nil
}

func open(d disk, o Options) (*Log, error) {
	l := &Log{
		opts:     o,
		disk:     d,
		queue:    newQueue(),
		requests: sync.Pool{New: func() any { return newRequest() }},
		quit:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	next, err := l.restore()
	if err != nil {
		for _, s := range l.segments {
			err = errors.Join(err, s.file.Close())
		}
		for _, m := range l.marks {
			err = errors.Join(err, m.file.close())
		}
		return nil, err
	}
	w := &writer{log: l, next: next, total: l.total}
	go w.run()
	return l, nil
}

// Append stores a record made of parts and gives its position; weight is how many items it holds, at least 0. It
// returns when the record is durable; callers at the same time share a sync. While it waits for its turn it gives up
// when ctx ends; when the writer has taken the record it stays until the disk has answered, since parts are read
// until then. The errors are ErrFull, ErrTooLarge, ErrClosed, that of ctx, or of the disk; after one of the disk the
// record may still come out after a crash.
func (l *Log) Append(ctx context.Context, weight int, parts ...[]byte) (position uint64, err error) {
	return l.append(ctx, weight, parts, 0, 0)
}

// AppendDigested is Append for a caller who knows digest, the CRC-32C of the first of the parts: it is not computed again.
// With a wrong one the record is taken, and can never be read. There must be a part.
func (l *Log) AppendDigested(ctx context.Context, weight int, digest uint32, parts ...[]byte) (position uint64, err error) {
	return l.append(ctx, weight, parts, 1, digest)
}

// append stores a record whose first parts, summed many, have that sum.
func (l *Log) append(ctx context.Context, weight int, parts [][]byte, summed int, sum uint32) (position uint64, err error) {
	r := l.requests.Get().(*request)
	defer l.recycle(r)
	if err := r.fill(weight, parts, l.opts.MaxRecordBytes, summed, sum); err != nil {
		return 0, err
	}
	if !l.queue.add(r) {
		return 0, fmt.Errorf("append %d bytes: %w", r.length, ErrClosed)
	}
	select {
	case err = <-r.done:
	case <-ctx.Done():
		if l.queue.drop(r) {
			return 0, fmt.Errorf("append %d bytes: %w", r.length, ctx.Err())
		}
		err = <-r.done
	}
	if err != nil {
		return 0, fmt.Errorf("append %d bytes: %w", r.length, err)
	}
	return r.position, nil
}

// recycle keeps r, but not what its caller gave, for the next append.
func (l *Log) recycle(r *request) {
	clear(r.parts)
	l.requests.Put(r)
}

// Stats tells how the log stands now.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Bytes, s.Segments, s.Spares = l.bytes(), len(l.segments), len(l.spares)
	s.Position, s.Total, s.Released = l.position, l.total, l.own.at.position
	return s
}

// bytes counts what stands against MaxBytes; mu is held.
func (l *Log) bytes() int64 {
	var n int64
	for _, s := range l.segments {
		n += s.size
	}
	for _, s := range l.spares {
		n += s.size
	}
	return n
}

// Close lets the group in hand finish, makes what was written durable and frees the folder. Appends and readers that
// wait get ErrClosed. A second call does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.quit)
	<-l.stopped

	l.releasing.Lock()
	defer l.releasing.Unlock()
	l.mu.Lock()
	segments, marks := l.segments, l.marks
	l.reserved = 0 // all that was given is known
	slots := make([]slot, 0, len(marks))
	for _, m := range marks {
		slots = append(slots, m.slot())
	}
	l.segments = nil
	l.mu.Unlock()
	var faults []error
	for i, m := range marks {
		faults = append(faults, m.file.write(slots[i]), m.file.sync(), m.file.close())
	}
	for _, s := range segments {
		faults = append(faults, l.retire(s))
	}
	if err := errors.Join(append(faults, l.disk.Close())...); err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}
