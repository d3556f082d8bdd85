package witness

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrChanged says that a batch came again with other bytes than the first time.
var ErrChanged = errors.New("batch was sent again with other contents")

// Witness compares receipts.
type Witness struct {
	signer     *Signer
	ring       Keyring
	batches    int
	collectors int // that are known, this one included

	mu      sync.Mutex         // guards all below
	windows map[string]*window // by collector
	last    int64              // the latest time that was signed
	stale   uint64
}

// New makes a witness that signs with signer, believes the collectors of ring, and remembers so many batches, at least
// 1, of each of them. signer may be nil if Sign is not called.
func New(signer *Signer, ring Keyring, batches int) *Witness {
	w := &Witness{signer: signer, ring: ring, batches: batches, windows: map[string]*window{}}
	w.collectors = len(ring.keys)
	if signer != nil && ring.keys[signer.collector] == nil {
		w.collectors++
	}
	return w
}

// Sign gives this collector's receipt for a batch that came now, the same one each time, and what contradicts it of
// what was seen before. The error is ErrChanged if the batch was signed before with another digest. It takes some 50 µs.
func (w *Witness) Sign(now time.Time, b Batch, d Digest) (Receipt, *Contradiction, error) {
	first, at, known := w.begin(now, b)
	if known {
		return once(first, d)
	}
	r := w.signer.sign(b, d, at)
	w.mu.Lock()
	defer w.mu.Unlock()
	if first, known := w.own(b); known { // by another goroutine in the meantime
		return once(first, d)
	}
	return r, w.note(r), nil
}

func once(r Receipt, d Digest) (Receipt, *Contradiction, error) {
	if r.Digest != d {
		return Receipt{}, nil, fmt.Errorf("batch %d of %q: %w", r.Sequence, r.Stream, ErrChanged)
	}
	return r, nil, nil
}

// begin gives the receipt of a batch that was signed before, or else the time to sign it with.
func (w *Witness) begin(now time.Time, b Batch) (r Receipt, at int64, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r, known = w.own(b); known {
		return r, 0, true
	}
	w.last = max(now.UnixNano(), w.last+1) // a clock that was set back is not followed
	return Receipt{}, w.last, false
}

// own finds this collector's receipt of a batch.
func (w *Witness) own(b Batch) (Receipt, bool) {
	if win := w.windows[w.signer.collector]; win != nil && win.known[b] != nil {
		return win.known[b].receipts[0], true
	}
	return Receipt{}, false
}

// See notes receipts of any collectors, all or none of them. It gives the contradictions in those batches of which one of
// the receipts says something new; so a third receipt may tell more of a tie that was found before. The error is a
// *RefusedError around ErrCollector or ErrSignature; such a receipt proves nothing. It takes some 0.1 ms for
// each receipt that is not known yet, for the signature.
func (w *Witness) See(receipts ...Receipt) ([]*Contradiction, error) {
	for i, r := range receipts {
		if w.knows(r) {
			continue
		}
		if err := w.ring.Verify(r); err != nil {
			return nil, &RefusedError{Index: i, Receipt: r, err: err}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []*Contradiction
	for _, r := range receipts {
		if c := w.note(r); c != nil {
			found = append(found, c)
		}
	}
	return found, nil
}

// knows tells whether this very receipt, signature included, is remembered.
func (w *Witness) knows(r Receipt) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, known := range w.of(r.Collector, r.Batch) {
		if known == r {
			return true
		}
	}
	return false
}

// of gives what a collector says of a batch.
func (w *Witness) of(collector string, b Batch) []Receipt {
	if win := w.windows[collector]; win != nil && win.known[b] != nil {
		return win.known[b].receipts
	}
	return nil
}

// note remembers a receipt whose signature is right, and judges its batch if it says something new.
func (w *Witness) note(r Receipt) *Contradiction {
	win := w.windows[r.Collector]
	if win == nil {
		win = &window{size: w.batches, known: map[Batch]*word{}}
		w.windows[r.Collector] = win
	}
	if w.signer != nil && r.Collector == w.signer.collector {
		w.last = max(w.last, r.Time) // it may be one from before a restart
	}
	switch win.take(r) {
	case again:
		return nil
	case stale:
		w.stale++
		return nil
	case fresh:
	}
	var all []Receipt
	for name := range w.windows {
		all = append(all, w.of(name, r.Batch)...)
	}
	return judge(r, all, w.collectors)
}

// Told gives what this collector says of a batch against r: what it answers to who showed it r.
func (w *Witness) Told(r Receipt) []Receipt {
	w.mu.Lock()
	defer w.mu.Unlock()
	var against []Receipt
	for _, own := range w.of(w.signer.collector, r.Batch) {
		if own.Digest != r.Digest {
			against = append(against, own)
		}
	}
	return against
}

// Counts tells how many batches are remembered, summed over the collectors that vouch for them, and how many receipts
// were passed over since start because they were older than those.
func (w *Witness) Counts() (batches int, stale uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, win := range w.windows {
		batches += len(win.known)
	}
	return batches, w.stale
}
