package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

type httpTransport struct {
	client  *http.Client
	url     string
	headers http.Header
	packers *sync.Pool // of *gzip.Writer; nil to send as it is
	now     func() time.Time
}

func newHTTP(u *url.URL, cfg Config, headers map[string]string, now func() time.Time) *httpTransport {
	t := &httpTransport{
		client: &http.Client{
			Transport: &http.Transport{
				MaxIdleConnsPerHost: cfg.Concurrency + 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			},
			// Telemetry goes where it was told to, and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url:     u.JoinPath(pathOf(cfg.Signal)).String(),
		headers: http.Header{"Content-Type": {"application/x-protobuf"}},
		now:     now,
	}
	for name, value := range headers {
		t.headers.Set(name, value)
	}
	if cfg.Gzip {
		t.headers.Set("Content-Encoding", "gzip")
		t.packers = &sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	}
	return t
}

func (t *httpTransport) send(ctx context.Context, payload []byte, items int) outcome {
	if t.packers != nil {
		payload = t.pack(payload)
	}
	body := &borrowed{b: payload}
	defer body.giveBack()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, body)
	if err != nil {
		return unreachable(err)
	}
	r.Header, r.ContentLength = t.headers.Clone(), int64(len(payload))
	if len(payload) == 0 {
		r.Body = http.NoBody
	}
	answer, err := t.client.Do(r)
	if err != nil {
		return unreachable(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch success := answer.StatusCode/100 == 2; {
	case !success:
		return failedStatus(answer.StatusCode, answer.Header, text, t.now())
	case err != nil:
		return unreachable(err)
	case len(text) > maxAnswer:
		return lie(fmt.Errorf("acknowledgement: more than %d bytes", maxAnswer))
	}
	return answered(text, items)
}

func (t *httpTransport) close() error {
	t.client.CloseIdleConnections()
	return nil
}

// pack cannot fail, since it writes to memory.
func (t *httpTransport) pack(payload []byte) []byte {
	var out bytes.Buffer
	w := t.packers.Get().(*gzip.Writer)
	defer t.packers.Put(w)
	w.Reset(&out)
	_, _ = w.Write(payload)
	_ = w.Close()
	return out.Bytes()
}

// borrowed is a body whose bytes can be taken back: net/http may go on reading after a request has ended.
type borrowed struct {
	mu sync.Mutex // guards all
	b  []byte
	at int
}

var errGivenBack = errors.New("request has ended")

// Read implements io.Reader.
func (r *borrowed) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.b == nil:
		return 0, errGivenBack
	case r.at == len(r.b):
		return 0, io.EOF
	}
	n := copy(p, r.b[r.at:])
	r.at += n
	return n, nil
}

// Close implements io.Closer.
func (r *borrowed) Close() error { return nil }

func (r *borrowed) giveBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b = nil
}
