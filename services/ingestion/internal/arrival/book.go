package arrival

import (
	"container/list"
	"sync"
	"time"

	"github.com/triflow/triflow/pkg/otlp"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

// Limits bound what a book holds. All are at least 1.
type Limits struct {
	// Rows, of some 2.5 KiB each.
	Rows int
	// Streams of numbered batches that are followed.
	Streams int
	// Sequence says how such a stream is judged.
	Sequence sequence.Limits
}

// DefaultLimits hold some 13 MiB of rows.
func DefaultLimits() Limits {
	return Limits{Rows: 5000, Streams: 10_000, Sequence: sequence.DefaultLimits()}
}

// Batch is a request as it came.
type Batch struct {
	Tenant string
	// Address is the host of the peer, Credential what may be shown of the one that it gave.
	Address, Credential string
	// Request is scanned. The book keeps nothing of it.
	Request *otlp.Request
	// Refused is the reason for which all of the request is refused, "" if it was taken in. Nothing is said then of
	// lags and streams, for it may come again.
	Refused string
	// Item shows an item that is refused in OTLP/JSON. It is called before Record returns, and may be nil.
	Item func(otlp.Refusal) string
}

// Book is who sends. It must come from NewBook.
type Book struct {
	rows int

	mu        sync.Mutex // guards all below
	known     map[string]*list.Element
	recent    *list.List // of *row, the latest first
	streams   *sequence.Set[streamKey, *row]
	done      map[handoffv1.Signal]mean
	listings  listings
	batches   uint64
	forgotten uint64
	key       []byte // to look up with
}

// streamKey names a stream of numbered batches. Its sender may change its address.
type streamKey struct {
	tenant, service string
	stream          [streamID]byte
}

// streamID is the length of the id of a stream, 16 hex digits.
const streamID = 16

// NewBook makes an empty book.
func NewBook(limits Limits) *Book {
	return &Book{
		rows: limits.Rows, known: map[string]*list.Element{}, recent: list.New(),
		streams: sequence.NewSet[streamKey, *row](limits.Sequence, limits.Streams), done: map[handoffv1.Signal]mean{},
	}
}

// Record notes that batch came now, and gives the faults that it showed: what is refused in it, and gaps, repetitions
// and overtaking in the streams of numbered batches.
func (b *Book) Record(now time.Time, batch Batch) []fault.Finding {
	var found []fault.Finding
	sources := batch.Request.Sources()
	refusals := explain(&batch)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches++
	for i := range sources {
		s := &sources[i]
		if s.Items == 0 {
			continue
		}
		r := b.row(now, &batch, s)
		if r.batch != b.batches {
			r.batch = b.batches
			r.batches++
		}
		r.items += uint64(s.Items)
		r.faulty += uint64(s.Refused)
		r.impossible += uint64(s.Impossible)
		for _, f := range refusals[i] {
			found = append(found, r.note(now, f))
		}
		if batch.Refused != "" {
			r.refuse(batch.Refused, s.Items-s.Refused)
			continue
		}
		r.accepted += uint64(s.Items - s.Refused)
		r.bytes += uint64(s.Bytes)
		r.measure(now, s)
		for _, mark := range s.Sequences {
			found = b.judge(found, now, r, mark)
		}
	}
	return found
}

// row finds the sender of a source, and makes it the latest one.
func (b *Book) row(now time.Time, batch *Batch, s *otlp.Source) *row {
	b.key = appendKey(b.key[:0], batch, s)
	if e, ok := b.known[string(b.key)]; ok {
		b.recent.MoveToFront(e)
		r := e.Value.(*row)
		if now.After(r.last) { // a clock that was set back changes nothing
			r.last = now
		}
		return r
	}
	if len(b.known) >= b.rows {
		oldest := b.recent.Remove(b.recent.Back()).(*row)
		delete(b.known, oldest.key)
		b.forgotten++
	}
	r := newRow(string(b.key), now, batch, s)
	b.known[r.key] = b.recent.PushFront(r)
	return r
}

// judge notes that r sent a batch with the numbers of mark. A stream whose id is none of the SDK's is not followed.
func (b *Book) judge(found []fault.Finding, now time.Time, r *row, mark otlp.Sequence) []fault.Finding {
	if len(mark.Stream) != streamID {
		return found
	}
	k := streamKey{tenant: r.tenant, service: r.service, stream: [streamID]byte(mark.Stream)}
	f := b.streams.Observe(now, k, r, mark.First, mark.Count)
	r.numbered++
	if f.Repeats() {
		r.repeated++
	}
	r.Findings.Add(f)
	return r.findings(found, k, f)
}

// Expire gives the gaps that only time shows. To be called every few seconds.
func (b *Book) Expire(now time.Time) []fault.Finding {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []fault.Finding
	for _, late := range b.streams.Expire(now) {
		late.Owner.Findings.Add(late.Findings)
		found = late.Owner.findings(found, late.Key, late.Findings)
	}
	return found
}

// Contradicted notes that another collector vouches for other contents of a batch of a stream. What is said of a stream
// that is not followed is passed over.
func (b *Book) Contradicted(tenant, service, stream string) {
	if len(stream) != streamID {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, followed := b.streams.Owner(streamKey{tenant, service, [streamID]byte([]byte(stream))}); followed {
		r.contradicted++
	}
}

// Done notes how long it took from arrival until something of a signal was done at the receiving service.
func (b *Book) Done(signal handoffv1.Signal, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.done[signal]
	m.note(delay)
	b.done[signal] = m
}

// Forgotten counts the rows that had to go because there were too many.
func (b *Book) Forgotten() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.forgotten
}

// Streams gives the findings in all numbered streams since start.
func (b *Book) Streams() sequence.Totals { return b.streams.Totals() }
