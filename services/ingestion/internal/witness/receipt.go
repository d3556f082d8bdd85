package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
)

// MaxName bounds the names of collectors and streams, in bytes.
const MaxName = 128

// domain stands before all that is signed, so that a signature is good for nothing else.
const domain = "triflow receipt v1"

// Digest is the SHA-256 of a request as it came, unpacked.
type Digest [sha256.Size]byte

// Batch names a batch of one sender.
type Batch struct {
	// Stream is who sent it, Sequence its number there.
	Stream   string
	Sequence uint64
	Signal   handoffv1.Signal
}

// Receipt is a collector's word on a batch that it took in.
type Receipt struct {
	Collector string
	Batch
	Digest Digest
	// Time is when it was signed by the clock of the collector, in ns since 1970, later than that of every receipt that it
	// signed before. Times of different collectors are never compared.
	Time      int64
	Signature [ed25519.SignatureSize]byte
}

// Read takes a receipt from the wire. The error names every field that cannot be one's; the signature is not checked.
func Read(m *ingestionv1.Receipt) (Receipt, error) {
	r := Receipt{
		Collector: m.GetCollector(),
		Batch:     Batch{Stream: m.GetStream(), Sequence: m.GetSequence(), Signal: m.GetSignal()},
	}
	var faults []error
	name := func(field, s string) {
		if len(s) == 0 || len(s) > MaxName {
			faults = append(faults, fmt.Errorf("%s: %d bytes, want 1 to %d", field, len(s), MaxName))
		}
	}
	fill := func(field string, dst, src []byte) {
		if copy(dst, src) != len(src) || len(src) != len(dst) {
			faults = append(faults, fmt.Errorf("%s: %d bytes, want %d", field, len(src), len(dst)))
		}
	}
	name("collector", r.Collector)
	name("stream", r.Stream)
	if _, known := handoffv1.Signal_name[int32(r.Signal)]; !known || r.Signal == handoffv1.Signal_SIGNAL_UNSPECIFIED {
		faults = append(faults, fmt.Errorf("signal: %d, want one that is specified", r.Signal))
	}
	fill("digest", r.Digest[:], m.GetDigest())
	if at := m.GetSignTime(); at.CheckValid() == nil && at.GetSeconds() > 0 && at.GetSeconds() < math.MaxInt64/int64(time.Second) {
		r.Time = at.AsTime().UnixNano()
	} else {
		faults = append(faults, fmt.Errorf("sign_time: %d s and %d ns, want a time from 1970 to 2262", at.GetSeconds(), at.GetNanos()))
	}
	fill("signature", r.Signature[:], m.GetSignature())
	if len(faults) > 0 {
		return Receipt{}, errors.Join(faults...)
	}
	return r, nil
}

// Proto gives r for the wire.
func (r Receipt) Proto() *ingestionv1.Receipt {
	return &ingestionv1.Receipt{
		Collector: r.Collector, Stream: r.Stream, Sequence: r.Sequence, Signal: r.Signal,
		Digest: r.Digest[:], SignTime: timestamppb.New(time.Unix(0, r.Time)), Signature: r.Signature[:],
	}
}

// message is what is signed; the package doc draws it.
func (r Receipt) message() []byte {
	b := make([]byte, 0, len(domain)+3*4+3*8+len(r.Collector)+len(r.Stream)+len(r.Digest))
	b = append(b, domain...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(r.Collector))), r.Collector...)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(r.Stream))), r.Stream...)
	b = binary.BigEndian.AppendUint64(b, r.Sequence)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Signal))
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(r.Digest))), r.Digest[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(r.Time))
}
