package ingestion

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/triflow/triflow/pkg/otlp"
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
	held   int64 // of the ceiling
}

// take counts n more bytes against the ceiling.
func (in *intake) take(n int64) *refusal {
	no := in.s.ceiling.reserve(n)
	if no == nil {
		in.held += n
	}
	return no
}

// end gives back what was taken.
func (in *intake) end() { in.s.ceiling.release(in.held) }

// fill reads all of from, at most MaxBytes, and counts the bytes as they come. length is what the client promises, or negative.
// What was read belongs to the caller, also after a refusal.
func (in *intake) fill(from io.Reader, length int64) (*buffer, *refusal) {
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
			return b, refuse(malformed, "read body: %v", err)
		}
	}
}

// unpack gives what packed holds by an encoding that unpackers know.
func (in *intake) unpack(encoding string, packed []byte) (*buffer, *refusal) {
	u := in.s.unpackers.get()
	defer in.s.unpackers.put(u)
	from := bytes.NewReader(packed) // inflating from anything else costs twice as much
	var err error
	var out io.Reader
	if encoding == "zstd" {
		if no := in.take(window(packed)); no != nil {
			return nil, no
		}
		out, err = u.zstd, u.zstd.Reset(from)
	} else {
		out, err = &u.gzip, u.gzip.Reset(from)
	}
	if err != nil {
		return nil, refuse(malformed, "unpack %s: %v", encoding, err)
	}
	return in.fill(out, -1)
}

// window is how much a decoder keeps for a zstd frame.
func window(packed []byte) int64 {
	var h zstd.Header
	if h.Decode(packed) != nil {
		return 0 // the decoder says what is wrong
	}
	return int64(min(h.WindowSize, zstdWindow))
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
func (in *intake) fromJSON(signal otlp.Signal, body *buffer) (*buffer, []otlp.Mark, *refusal) {
	size := int64(len(body.bytes))
	if no := in.take(size); no != nil {
		return nil, nil, no
	}
	out := in.s.buffers.get(len(body.bytes))
	b, marks, err := otlp.Transcode(out.bytes, signal, body.bytes)
	if err != nil {
		return out, nil, refuse(malformed, "%v", err)
	}
	out.bytes = b
	if len(b) > in.s.cfg.MaxBytes {
		return out, nil, overLimit(in.s.cfg.MaxBytes)
	}
	return out, marks, in.take(max(int64(cap(b))-size, 0))
}
