package ingestion

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

// Bounds of the requests that wait for their receipt; those beyond get none, and are counted.
const (
	mostQueued      = 1024
	mostQueuedBytes = 32 << 20
)

// streamBytes is the length of the id that the SDK gives a stream.
const streamBytes = 16

// notary signs a receipt for each batch that the SDK numbered, shows it to the other collectors, and reports what
// contradicts it. A service without peers has a nil one, which does nothing. Nobody waits for it: offer drops what it
// cannot queue, and a peer that does not answer loses receipts.
type notary struct {
	door   *Service
	core   *witness.Witness
	peers  map[string]*witnessPeer // by name
	queue  chan numbered
	held   atomic.Int64  // bytes of the buffers in queue
	single chan struct{} // is taken while receipts of others are checked, which costs up to 0.1 ms each

	signed, dropped, passed, found, refused atomic.Uint64
}

// numbered is a request that waits for its receipt.
type numbered struct {
	batch  witness.Batch
	buffer *buffer
}

// openNotary reads the key and the peers; it is to be closed.
func openNotary(s *Service) (_ *notary, err error) {
	if s.cfg.WitnessPeers == "" {
		return nil, nil //nolint:nilnil // nothing to do is no fault
	}
	signer, err := openSigner(s.cfg, s.deps)
	if err != nil {
		return nil, err
	}
	known, err := readPeers(s.cfg.WitnessPeers, signer)
	if err != nil {
		return nil, err
	}
	n := &notary{
		door: s, core: witness.New(signer, known.ring, s.cfg.WitnessBatches), peers: map[string]*witnessPeer{},
		queue: make(chan numbered, mostQueued), single: make(chan struct{}, 1),
	}
	for _, c := range known.others {
		if n.peers[c.Name], err = n.openPeer(c); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	if err := n.observe(s.deps.Meter); err != nil {
		return nil, errors.Join(err, n.close())
	}
	s.deps.Log.Info("signing receipts", "collector", signer.Collector(), "public_key", signer.PublicKey(), "peers", len(n.peers))
	return n, nil
}

// offer takes a request that was taken in, if it is one that gets a receipt. It keeps nothing but the buffer, which it
// shares, and does not wait.
func (n *notary) offer(tenant string, r *otlp.Request, b *buffer, f format) {
	if n == nil || r.Refused == r.Items {
		return
	}
	batch, numberedOnes := batchOf(tenant, r)
	switch {
	case numberedOnes == 0:
		return
	case numberedOnes > 1, batch == witness.Batch{}, f != otlpProtobuf:
		n.passed.Add(1)
		return
	}
	size := int64(cap(b.bytes))
	if n.held.Add(size) <= mostQueuedBytes {
		select {
		case n.queue <- numbered{batch: batch, buffer: b.share()}:
			return
		default:
			b.release()
		}
	}
	n.held.Add(-size)
	n.dropped.Add(1)
}

// batchOf names the batch that a request is, and tells how many of the SDK's batches are in it. The name is empty if the
// request is not exactly one, such as after a proxy that cut it up: then two collectors may honestly get other bytes.
func batchOf(tenant string, r *otlp.Request) (b witness.Batch, numberedOnes int) {
	var from *otlp.Source
	sources := r.Sources()
	for i := range sources {
		if marks := len(sources[i].Sequences); marks > 0 {
			from = &sources[i]
			numberedOnes += marks
		}
	}
	if numberedOnes != 1 {
		return witness.Batch{}, numberedOnes
	}
	mark := from.Sequences[0]
	stream := tenant + "/" + arrival.ServiceOf(from) + "/" + string(mark.Stream)
	if len(mark.Stream) != streamBytes || len(stream) > witness.MaxName || mark.Count != uint64(r.Items) {
		return witness.Batch{}, numberedOnes
	}
	return witness.Batch{Stream: stream, Sequence: mark.First, Signal: signalOf(r.Signal)}, numberedOnes
}

// senderOf takes the name of a stream apart. No tenant has a slash.
func senderOf(stream string) (tenant, service, id string) {
	tenant, rest, _ := strings.Cut(stream, "/")
	at := max(len(rest)-streamBytes, 0)
	return tenant, strings.TrimSuffix(rest[:at], "/"), rest[at:]
}

// run signs and shows until ctx ends. What was not shown by then is forgotten.
func (n *notary) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range n.peers {
		wg.Go(func() { p.run(ctx) })
	}
	for {
		select {
		case q := <-n.queue:
			n.sign(q)
		case <-ctx.Done():
			for len(n.queue) > 0 {
				(<-n.queue).buffer.release()
			}
			return nil
		}
	}
}

func (n *notary) sign(q numbered) {
	digest := witness.Digest(sha256.Sum256(q.buffer.bytes))
	n.held.Add(-int64(cap(q.buffer.bytes)))
	q.buffer.release()
	r, c, err := n.core.Sign(n.door.deps.Now(), q.batch, digest)
	if err != nil {
		n.changed(q.batch, err)
		return
	}
	n.signed.Add(1)
	n.report(c)
	for _, p := range n.peers {
		p.add(r)
	}
}

// changed reports a client that sent a batch again with other contents. The book of senders has counted the repetition.
func (n *notary) changed(b witness.Batch, err error) {
	tenant, service, _ := senderOf(b.Stream)
	n.door.faults.Report(n.door.deps.Now(), fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, Kind: fault.Digest, Subject: tenant + "/" + service, Signal: b.Signal, Text: err.Error(),
	})
}

// report tells of a contradiction; nil is none.
func (n *notary) report(c *witness.Contradiction) {
	if c == nil {
		return
	}
	n.found.Add(1)
	if c.First {
		n.door.senders.Contradicted(senderOf(c.Batch.Stream))
	}
	about := c.Suspects
	if len(about) == 0 {
		about = c.Collectors()
	}
	n.door.faults.Report(n.door.deps.Now(), fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_BYZANTINE, Kind: fault.Contradiction, Subject: strings.Join(about, ", "), Signal: c.Batch.Signal,
		Text: c.String() + ". " + c.Evidence(),
	})
}

// compare notes receipts that from shows, all or none, and gives the own ones that say something else. The error is a
// *witness.RefusedError, or that of ctx.
func (n *notary) compare(ctx context.Context, from string, receipts []witness.Receipt) ([]witness.Receipt, error) {
	select {
	case n.single <- struct{}{}:
		defer func() { <-n.single }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	found, err := n.core.See(receipts...)
	if err != nil {
		n.forged(from, err)
		return nil, err
	}
	for _, c := range found {
		n.report(c)
	}
	var against []witness.Receipt
	for _, r := range receipts {
		if p := n.peers[r.Collector]; p != nil {
			p.received.Add(1)
		}
		against = append(against, n.core.Told(r)...)
	}
	return against, nil
}

// forged reports a receipt in the name of a known collector that it did not sign. Names that are not known are only
// counted: whoever makes them up would fill the list of faults.
func (n *notary) forged(from string, err error) {
	n.refused.Add(1)
	var no *witness.RefusedError
	if !errors.As(err, &no) || !errors.Is(err, witness.ErrSignature) {
		return
	}
	n.door.faults.Report(n.door.deps.Now(), fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_BYZANTINE, Kind: fault.Refused, Subject: no.Receipt.Collector, Signal: no.Receipt.Signal,
		Text: fmt.Sprintf("%v, shown by %s", err, from),
	})
}

// close ends the connections to the peers; nil is fine.
func (n *notary) close() error {
	if n == nil {
		return nil
	}
	var errs []error
	for _, p := range n.peers {
		errs = append(errs, p.hangUp())
	}
	return errors.Join(errs...)
}
