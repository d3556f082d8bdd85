package arrival

import (
	"cmp"
	"maps"
	"slices"
	"time"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

// tally is what is counted of a sender.
type tally struct {
	batches, items, accepted uint64
	bytes                    uint64 // of what was accepted
	faulty, impossible       uint64 // items
	ahead                    uint64 // items from the future
	numbered                 uint64 // batches of the SDK
	repeated, contradicted   uint64 // those of them that brought nothing new, or are something else elsewhere
	sequence.Findings
}

func (t *tally) add(u *tally) {
	t.batches += u.batches
	t.items += u.items
	t.accepted += u.accepted
	t.bytes += u.bytes
	t.faulty += u.faulty
	t.impossible += u.impossible
	t.ahead += u.ahead
	t.numbered += u.numbered
	t.repeated += u.repeated
	t.contradicted += u.contradicted
	t.Findings.Add(u.Findings)
}

// quality gives the figures that are known. done is the mean delay from arrival to done.
func (t *tally) quality(lags *histogram, done mean) *ingestionv1.Quality {
	q := &ingestionv1.Quality{}
	if share, known := t.Completeness(); known {
		q.Completeness = &share
	}
	q.Accuracy = rest(t.faulty+t.impossible, t.items)
	q.Consistency = rest(t.repeated+t.contradicted, t.numbered)
	if median, known := lags.quantile(0.5); known && done.known {
		seconds := median.Seconds() + done.seconds
		q.TimelinessSeconds = &seconds
	}
	return q
}

// rest is the share of all that is not part; nil if there is nothing.
func rest(part, all uint64) *float64 {
	if all == 0 {
		return nil
	}
	share := 1 - float64(min(part, all))/float64(all)
	return &share
}

// mean is one that forgets: the latest value counts an eighth.
type mean struct {
	known   bool
	seconds float64
}

func (m *mean) note(d time.Duration) {
	if s := d.Seconds(); m.known {
		m.seconds += (s - m.seconds) / 8
	} else {
		m.known, m.seconds = true, s
	}
}

// Figures are those of one service and signal, over all rows.
type Figures struct {
	Signal  handoffv1.Signal
	Service string
	// Batches, Items and Accepted count since the rows were opened, Ahead the items from the future. Bytes are those of the
	// resources that items were accepted of.
	Batches, Items, Accepted, Ahead, Bytes uint64
	// Lag is nil if nothing came in the last minutes.
	Lag     *ingestionv1.Lag
	Quality *ingestionv1.Quality
}

type subject struct {
	signal  handoffv1.Signal
	service string
}

// together is how many rows are added up under one lock.
const together = 256

// sum is the rows of a subject taken together.
type sum struct {
	tally
	lags histogram
}

// Figures gives the figures of all services, by signal and name. It takes some µs for each row; whoever records meanwhile
// waits for 256 rows at most.
func (b *Book) Figures(now time.Time) []Figures {
	sums, done := b.sums(now)
	keys := slices.SortedFunc(maps.Keys(sums), func(x, y subject) int {
		return cmp.Or(cmp.Compare(x.signal, y.signal), cmp.Compare(x.service, y.service))
	})
	all := make([]Figures, len(keys))
	for i, k := range keys {
		s := sums[k]
		all[i] = Figures{
			Signal: k.signal, Service: k.service, Batches: s.batches, Items: s.items, Accepted: s.accepted, Ahead: s.ahead, Bytes: s.bytes,
			Lag: s.lags.proto(), Quality: s.quality(&s.lags, done[k.signal]),
		}
	}
	return all
}

func (b *Book) sums(now time.Time) (map[subject]*sum, map[handoffv1.Signal]mean) {
	rows, done := b.all()
	sums := map[subject]*sum{}
	for some := range slices.Chunk(rows, together) {
		b.addUp(sums, some, now)
	}
	return sums, done
}

func (b *Book) all() ([]*row, map[handoffv1.Signal]mean) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([]*row, 0, len(b.known))
	for e := b.recent.Front(); e != nil; e = e.Next() {
		rows = append(rows, e.Value.(*row))
	}
	return rows, maps.Clone(b.done)
}

func (b *Book) addUp(sums map[subject]*sum, rows []*row, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range rows {
		k := subject{r.signal, r.service}
		s := sums[k]
		if s == nil {
			s = &sum{}
			sums[k] = s
		}
		s.add(&r.tally)
		r.lags.into(&s.lags, now)
	}
}
