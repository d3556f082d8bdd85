package ingestion

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

// wire is a client that speaks gRPC no better than it is told to.
type wire struct {
	http.Client
	at string
}

func newWire(t testing.TB, r *running) *wire {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	g, _ := r.Addrs()
	return &wire{http.Client{Transport: transport}, "http://" + g.String()}
}

// frame is a message as it goes over gRPC.
func frame(flag byte, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(b))), b...)
}

func (w *wire) send(t testing.TB, path, encoding string, body []byte) (codes.Code, string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.at+path, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	if encoding != "" {
		req.Header.Set("Grpc-Encoding", encoding)
	}
	resp, err := w.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	end := resp.Trailer
	if resp.Header.Get("Grpc-Status") != "" { // an answer of trailers only
		end = resp.Header
	}
	code, err := strconv.Atoi(end.Get("Grpc-Status"))
	require.NoError(t, err)
	text, err := url.PathUnescape(end.Get("Grpc-Message"))
	require.NoError(t, err)
	return codes.Code(code), text
}

func TestWhateverComesOverTheWireOfGRPCGetsItsCodeAndTheNextGoodOneIsServed(t *testing.T) {
	to := newSink()
	close(to.open)
	r := start(t, small(), t.TempDir(), to)
	w := newWire(t, r)
	good := request(t, span(1))
	bomb := packed(t, make([]byte, 64*r.cfg.MaxBytes))
	unpacks := packed(t, good)
	for _, c := range []struct {
		name, path, encoding string
		body                 []byte
		code                 codes.Code
		text                 string
	}{
		{"good", traceExport, "", frame(0, good), codes.OK, ""},
		{"good gzip", traceExport, "gzip", frame(1, unpacks), codes.OK, ""},
		{"gzip announced but not used", traceExport, "gzip", frame(0, good), codes.OK, ""},
		{"no gzip", traceExport, "gzip", frame(1, good), codes.InvalidArgument, "gzip"},
		{"empty gzip", traceExport, "gzip", frame(1, nil), codes.InvalidArgument, "gzip"},
		{"cut gzip", traceExport, "gzip", frame(1, unpacks[:20]), codes.InvalidArgument, "unexpected EOF"},
		{"gzip with a wrong sum", traceExport, "gzip", frame(1, append(bytes.Clone(unpacks[:len(unpacks)-8]), make([]byte, 8)...)), codes.InvalidArgument, "checksum"},
		{"gzip of garbage", traceExport, "gzip", frame(1, packed(t, []byte("hello"))), codes.InvalidArgument, "wire type"},
		{"bomb", traceExport, "gzip", frame(1, bomb), codes.ResourceExhausted, "65536"},
		{"bomb of bombs", traceExport, "gzip", frame(1, append(bytes.Clone(bomb), bomb...)), codes.ResourceExhausted, "65536"},
		{"the mark of packed ones", traceExport, "", frame(0, []byte{gzipMark}), codes.InvalidArgument, "gzip"},
		{"good zstd", traceExport, "zstd", frame(1, packedBy(t, "zstd", good)), codes.OK, ""},
		{"zstd announced but not used", traceExport, "zstd", frame(0, good), codes.OK, ""},
		{"no zstd", traceExport, "zstd", frame(1, good), codes.InvalidArgument, "zstd"},
		{"empty zstd", traceExport, "zstd", frame(1, nil), codes.InvalidArgument, "zstd"},
		{"cut zstd", traceExport, "zstd", frame(1, packedBy(t, "zstd", good)[:20]), codes.InvalidArgument, "unexpected EOF"},
		{"zstd of garbage", traceExport, "zstd", frame(1, packedBy(t, "zstd", []byte("hello"))), codes.InvalidArgument, "wire type"},
		{"zstd bomb", traceExport, "zstd", frame(1, packedBy(t, "zstd", make([]byte, 64*r.cfg.MaxBytes))), codes.ResourceExhausted, "65536"},
		{"zstd that looks back 32 MiB", traceExport, "zstd", frame(1, farBack()), codes.InvalidArgument, "window"},
		{"the mark of zstd", traceExport, "", frame(0, []byte{zstdMark}), codes.InvalidArgument, "zstd"},
		{"unknown encoding", traceExport, "br", frame(1, good), codes.Unimplemented, "br"},
		{"packed without encoding", traceExport, "", frame(1, good), codes.Internal, "compressed"},
		{"longer than the limit", traceExport, "", frame(0, make([]byte, r.cfg.MaxBytes+1)), codes.ResourceExhausted, "65536"},
		{"no message", traceExport, "", nil, codes.Internal, "no request message"},
		{"cut message", traceExport, "", frame(0, good)[:9], codes.Internal, "EOF"},
		{"unknown service", "/opentelemetry.proto.collector.traces.v1.Traces/Export", "", frame(0, good), codes.Unimplemented, "unknown service"},
		{"unknown method", strings.Replace(traceExport, "Export", "Import", 1), "", frame(0, good), codes.Unimplemented, "unknown method"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, text := w.send(t, c.path, c.encoding, c.body)
			require.Equal(t, c.code, code, text)
			require.Contains(t, text, c.text)
			if code == codes.OK {
				<-to.got
			}
			r.served(t)
		})
	}
	require.Zero(t, r.inFlight())
}

// farBack is a zstd frame that asks for a window of 32 MiB (RFC 8878 §3.1.1.1.2), and has one empty block.
func farBack() []byte {
	return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, (25 - 10) << 3, 1, 0, 0}
}
