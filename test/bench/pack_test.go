package main

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

func TestPackedExportsHoldDifferentIDsUntilTheirTurnComesAgain(t *testing.T) {
	for encoding, unpack := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	} {
		senders, err := load{connections: 2, transport: transport{http: true, encoding: encoding}, shape: wideShape(50)}.senders()
		require.NoError(t, err)
		ids := map[string]bool{}
		for _, e := range senders {
			first := bytes.Clone(e.renew(time.Now()))
			for body, n := first, 0; n < packedBodies; n++ {
				r, err := unpack(bytes.NewReader(body))
				require.NoError(t, err)
				plain, err := io.ReadAll(r)
				require.NoError(t, err)
				for _, s := range decode(t, plain) {
					ids[string(s.GetSpanId())] = true
				}
				body = e.renew(time.Now())
				require.Equal(t, n == packedBodies-1, bytes.Equal(first, body))
			}
		}
		require.Len(t, ids, 2*packedBodies*50, encoding)
	}
}

func TestOnlyKnownEncodingsArePacked(t *testing.T) {
	_, err := load{connections: 1, transport: transport{http: true, encoding: "br"}, shape: wideShape(50)}.senders()
	require.EqualError(t, err, `encoding: "br", want gzip or zstd`)
}
