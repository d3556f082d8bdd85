package ingestion

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/admit"
)

const (
	// firstBytes is what a request of unknown length starts with; it doubles from there.
	firstBytes = 32 << 10
	// trustedBytes is how much is set aside at once for a client that says its request is that long.
	trustedBytes = 1 << 20
	// zstdWindow is the most that a zstd frame may look back, the least that a decoder has to grant (RFC 8878 §3.1.1.1.2).
	zstdWindow = 8 << 20
)

// intake is an export request on its way in. One goroutine uses it.
type intake struct {
	s      *Service
	stream *stream
	admit  admit.Request
	seat   sitter // while gRPC reads it

	address    string // of the peer, without its port
	credential string // what may be shown of it
}

// begin lets a request of a tenant in; it is to be ended, also after a refusal.
func (in *intake) begin(tenant string) *refusal {
	in.stream.requests.Add(1)
	if tenant == "" {
		tenant = defaultTenant
	}
	var v admit.Verdict
	in.admit, v = in.s.gate.Begin(in.s.deps.Now(), tenant, in.stream.signal)
	return notAdmitted(v)
}

// take counts n more bytes as held.
func (in *intake) take(n int64) *refusal { return notAdmitted(in.admit.Reserve(in.s.deps.Now(), n)) }

// give ends n bytes of that.
func (in *intake) give(n int64) { in.admit.Release(in.s.deps.Now(), n) }

// end gives back what is held.
func (in *intake) end() { in.admit.End(in.s.deps.Now()) }

// refuse counts items as refused for the reason of no, and gives no. What a client may send again costs it nothing.
func (in *intake) refuse(no *refusal, items int) *refusal {
	in.stream.count(no.word, items)
	if !no.counted {
		in.admit.Refuse(reasonOf(no.word), items)
	}
	if no.retryable() {
		in.admit.Refund()
	}
	return no
}

// fingerprint is what may be shown of an Authorization header: enough to tell it from others, too little to use.
func fingerprint(authorization string) string {
	if authorization == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(authorization))
	return hex.EncodeToString(sum[:4])
}

// reasonOf is a word as the gate knows it.
func reasonOf(word string) admit.Reason {
	r, known := admit.ReasonOf(word)
	if !known {
		return admit.Malformed
	}
	return r
}

// fill reads all of from, at most MaxBytes, and counts the bytes as they come. length is what the client promises, or
// negative; doing says what reading is, if it fails. What was read belongs to the caller, also after a refusal.
func (in *intake) fill(doing string, from io.Reader, length int64) (*buffer, *refusal) {
	counted := int64(firstBytes)
	if length >= 0 {
		counted = min(length+1, trustedBytes) // one more shows the end without another read
	}
	if no := in.take(counted); no != nil {
		return nil, no
	}
	for b := in.s.buffers.get(int(counted)); ; {
		if int64(len(b.bytes)) == counted {
			if no := in.take(counted); no != nil {
				return b, no
			}
			b = b.grow(int(counted))
			counted *= 2
		}
		n, err := from.Read(b.bytes[len(b.bytes):counted])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case len(b.bytes) > in.s.cfg.MaxBytes:
			return b, overLimit(in.s.cfg.MaxBytes)
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, refuse(malformed, "%s: %v", doing, err)
		}
	}
}

// unpack gives what packed holds by an encoding that unpackers know.
func (in *intake) unpack(encoding string, packed []byte) (*buffer, *refusal) {
	if len(packed) == 0 { // zstd takes that for no frames
		return nil, refuse(malformed, "unpack %s: %v", encoding, io.ErrUnexpectedEOF)
	}
	u := in.s.unpackers.get()
	defer in.s.unpackers.put(u)
	from := bytes.NewReader(packed) // inflating from anything else costs twice as much
	var err error
	var out io.Reader
	if encoding == "zstd" {
		size := window(packed)
		if size > zstdWindow {
			return nil, refuse(malformed, "unpack zstd: window of %d bytes, want at most %d", size, zstdWindow)
		}
		if no := in.take(int64(size)); no != nil {
			return nil, no
		}
		out, err = u.zstd, u.zstd.Reset(from)
	} else {
		out, err = &u.gzip, u.gzip.Reset(from)
	}
	if err != nil {
		return nil, refuse(malformed, "unpack %s: %v", encoding, err)
	}
	return in.fill("unpack "+encoding, out, -1)
}

// window is how much a decoder keeps for a zstd frame.
func window(packed []byte) uint64 {
	var h zstd.Header
	if h.Decode(packed) != nil {
		return 0 // the decoder says what is wrong
	}
	return h.WindowSize
}

// unpacker unpacks one request at a time.
type unpacker struct {
	gzip gzip.Reader
	zstd *zstd.Decoder
}

// unpackers are as many as may work at a time, so that their windows are bounded as well.
type unpackers chan *unpacker

// newUnpackers makes n.
func newUnpackers(n int) (unpackers, error) {
	all := make(unpackers, n)
	for range n {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		all <- &unpacker{zstd: z}
	}
	return all, nil
}

func (u unpackers) get() *unpacker  { return <-u }
func (u unpackers) put(p *unpacker) { u <- p }

// fromJSON turns body into protobuf, which is counted as well. It may be longer than body: a number of one digit takes
// 8 bytes.
func (in *intake) fromJSON(f format, signal otlp.Signal, body *buffer) (*buffer, []otlp.Mark, *refusal) {
	size := int64(len(body.bytes))
	if no := in.take(size); no != nil {
		return nil, nil, no
	}
	out := in.s.buffers.get(len(body.bytes))
	b, marks, err := f.transcode(out.bytes, signal, body.bytes, in.s.cfg.MaxBytes)
	switch {
	case errors.Is(err, otlp.ErrTooLarge):
		return out, nil, refuse(tooLarge, "%v", err)
	case err != nil:
		return out, nil, refuse(malformed, "%v", err)
	}
	out.bytes = b
	return out, marks, in.take(max(int64(cap(b))-size, 0))
}
