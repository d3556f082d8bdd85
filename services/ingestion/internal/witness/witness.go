package witness

import (
	"errors"
	"fmt"
	"sync"
)

// ErrChanged says that a batch came again with other bytes than the first time.
var ErrChanged = errors.New("batch was sent again with other contents")

// Witness compares receipts.
type Witness struct {
	signer     *Signer
	ring       Keyring
	batches    int
	collectors int // that are known, this one included

	mu      sync.Mutex // guards all below
	known   map[Batch]*[]Receipt
	windows map[string]*window // by the collector that named the batches first
}

// window is the latest batches of one collector, a ring once it is full.
type window struct {
	batches []Batch
	oldest  int
}

// New makes a witness that signs with signer, believes the collectors of ring, and remembers so many batches, at least
// 1, for each of them. signer may be nil if Sign is not called.
func New(signer *Signer, ring Keyring, batches int) *Witness {
	w := &Witness{signer: signer, ring: ring, batches: batches, known: map[Batch]*[]Receipt{}, windows: map[string]*window{}}
	w.collectors = len(ring.keys)
	if signer != nil && ring.keys[signer.collector] == nil {
		w.collectors++
	}
	return w
}

// Sign gives this collector's receipt for a batch, the same one each time, and what contradicts it of what was seen
// before. The error is ErrChanged if the batch was signed before with another digest. It takes some 50 µs.
func (w *Witness) Sign(b Batch, d Digest) (Receipt, *Contradiction, error) {
	if r, known := w.signed(b); known {
		return w.once(r, d)
	}
	r := w.signer.sign(b, d)
	w.mu.Lock()
	defer w.mu.Unlock()
	if first, known := w.own(b); known { // by another goroutine in the meantime
		return w.once(first, d)
	}
	return r, w.note(r), nil
}

func (w *Witness) once(r Receipt, d Digest) (Receipt, *Contradiction, error) {
	if r.Digest != d {
		return Receipt{}, nil, fmt.Errorf("batch %d of %q: %w", r.Sequence, r.Stream, ErrChanged)
	}
	return r, nil, nil
}

func (w *Witness) signed(b Batch) (Receipt, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own(b)
}

// own finds this collector's receipt of a batch.
func (w *Witness) own(b Batch) (Receipt, bool) {
	if receipts := w.known[b]; receipts != nil {
		for _, r := range *receipts {
			if r.Collector == w.signer.collector {
				return r, true
			}
		}
	}
	return Receipt{}, false
}

// Seen notes a receipt of any collector. It gives a contradiction if there is one in the batch and r is new to it, so a
// third receipt may tell more of a tie that was found before. The errors are ErrCollector and ErrSignature; such a
// receipt proves nothing and is not remembered. It takes some 0.1 ms, for the signature.
func (w *Witness) Seen(r Receipt) (*Contradiction, error) {
	if err := w.ring.Verify(r); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.note(r), nil
}

// note remembers a receipt whose signature is right.
func (w *Witness) note(r Receipt) *Contradiction {
	receipts := w.known[r.Batch]
	if receipts == nil {
		receipts = w.open(r)
	}
	signed := 0
	for _, known := range *receipts {
		if known.Collector != r.Collector {
			continue
		}
		if known.Digest == r.Digest {
			return nil
		}
		signed++
	}
	if signed >= 2 { // two are proof enough, more would be without bound
		return nil
	}
	*receipts = append(*receipts, r)
	return judge(r.Batch, *receipts, w.collectors)
}

// open remembers a batch that was not known, in place of the oldest of the same collector if there are too many.
func (w *Witness) open(r Receipt) *[]Receipt {
	win := w.windows[r.Collector]
	if win == nil {
		win = &window{}
		w.windows[r.Collector] = win
	}
	if len(win.batches) < w.batches {
		win.batches = append(win.batches, r.Batch)
	} else {
		delete(w.known, win.batches[win.oldest])
		win.batches[win.oldest] = r.Batch
		win.oldest = (win.oldest + 1) % w.batches
	}
	receipts := new([]Receipt)
	w.known[r.Batch] = receipts
	return receipts
}

// Batches counts those that are remembered.
func (w *Witness) Batches() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.known)
}
