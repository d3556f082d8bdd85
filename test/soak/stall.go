package soak

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/triflow/triflow/test/program"
)

// stalled is how many bytes of one that is twice as long come before a stalled export comes no further.
const stalled = 500_000

// stall begins exports that never end, one after the other on connections of their own, over either transport. A server
// must cut each off at some time, and may refuse it at once.
func stall(end context.Context, to *program.Ingestion, overHTTP bool) error {
	var protocols http.Protocols
	url, kind, half := "http://"+to.HTTP+"/v1/traces", "application/x-protobuf", make([]byte, stalled)
	if protocols.SetHTTP1(overHTTP); !overHTTP {
		protocols.SetUnencryptedHTTP2(true)
		url, kind = "http://"+to.GRPC+"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc"
		half = append([]byte{0, 0, stalled * 2 >> 16, stalled * 2 >> 8 & 0xff, stalled * 2 & 0xff}, half...) // not packed, its length
	}
	for end.Err() == nil {
		transport := &http.Transport{Protocols: &protocols}
		req, err := http.NewRequestWithContext(end, http.MethodPost, url, io.MultiReader(bytes.NewReader(half), silence{end.Done()}))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Te", "trailers")
		if overHTTP {
			req.ContentLength = 2 * stalled
		}
		if resp, err := transport.RoundTrip(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // whatever it is
			_ = resp.Body.Close()
		}
		transport.CloseIdleConnections()
		_ = wait(end, 100*time.Millisecond)
	}
	return nil
}

// silence is a reader that has nothing to give until it is over.
type silence struct{ over <-chan struct{} }

// Read implements io.Reader.
func (s silence) Read([]byte) (int, error) {
	<-s.over
	return 0, io.ErrUnexpectedEOF
}
