package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// packedBodies is how many compressed exports a connection takes turns with.
const packedBodies = 8

// packed are exports that were compressed before the load began, so that the sender does not pay for it meanwhile. Their
// ids come again with every turn.
type packed struct {
	bodies [][]byte
	next   int
}

// pack compresses the next exports of a request with gzip or zstd at the level that senders use by default.
func pack(r *request, encoding string, now time.Time) (*packed, error) {
	p := &packed{}
	for range packedBodies {
		var body bytes.Buffer
		w, err := compressor(&body, encoding)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(r.renew(now)); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		p.bodies = append(p.bodies, body.Bytes())
	}
	return p, nil
}

func compressor(to io.Writer, encoding string) (io.WriteCloser, error) {
	switch encoding {
	case "gzip":
		return gzip.NewWriter(to), nil
	case "zstd":
		return zstd.NewWriter(to, zstd.WithEncoderConcurrency(1))
	}
	return nil, fmt.Errorf("encoding: %q, want gzip or zstd", encoding)
}

// renew implements exports; the times stay those of the packing.
func (p *packed) renew(time.Time) []byte {
	body := p.bodies[p.next]
	p.next = (p.next + 1) % len(p.bodies)
	return body
}
