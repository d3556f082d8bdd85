package export

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

type httpTransport struct {
	client  *http.Client
	url     string
	headers *headers
	tenant  string // header, if any
	packer  *packer
	now     func() time.Time
}

func newHTTP(u *url.URL, cfg Config, h *headers, k *keys, now func() time.Time) *httpTransport {
	dialer := &net.Dialer{Timeout: cfg.Timeout}
	return &httpTransport{
		client: &http.Client{
			Transport: &http.Transport{
				MaxIdleConnsPerHost: cfg.Concurrency + 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
				DialContext: dialer.DialContext,
				DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					return (&tls.Dialer{NetDialer: dialer, Config: k.get()}).DialContext(ctx, network, address)
				},
			},
			// Telemetry goes where it was told to, and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url:     u.JoinPath(pathOf(cfg.Signal)).String(),
		headers: h, tenant: cfg.TenantHeader, packer: newPacker(cfg.Compression), now: now,
	}
}

// request gives the request of p, whose body is to be given back.
func (t *httpTransport) request(ctx context.Context, p part, packed bool) (*http.Request, *borrowed, error) {
	body := &borrowed{}
	for _, one := range p.pieces {
		body.rest = append(body.rest, one.payload)
	}
	size := p.size()
	if packed {
		b := t.packer.packed(body.rest...)
		size, body.rest = len(b), [][]byte{b}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, body)
	if err != nil {
		return nil, nil, err
	}
	if r.ContentLength = int64(size); size == 0 {
		r.Body = http.NoBody
	}
	t.headers.all(r.Header.Set)
	if t.tenant != "" && p.tenant != "" {
		r.Header.Set(t.tenant, p.tenant)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	if packed {
		r.Header.Set("Content-Encoding", t.packer.Type())
	}
	return r, body, nil
}

func (t *httpTransport) send(ctx context.Context, p part, packed bool) outcome {
	r, body, err := t.request(ctx, p, packed && t.packer != nil)
	if err != nil {
		return unreachable(err)
	}
	defer body.giveBack()
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
	return answered(text, p.items)
}

func (t *httpTransport) close() error {
	t.client.CloseIdleConnections()
	return nil
}

// borrowed is a body whose bytes can be taken back: net/http may go on reading after a request has ended.
type borrowed struct {
	mu    sync.Mutex // guards what follows
	rest  [][]byte
	ended bool
}

var errGivenBack = errors.New("request has ended")

// Read implements io.Reader.
func (r *borrowed) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return 0, errGivenBack
	}
	for len(r.rest) > 0 && len(r.rest[0]) == 0 {
		r.rest = r.rest[1:]
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest[0])
	r.rest[0] = r.rest[0][n:]
	return n, nil
}

// Close implements io.Closer.
func (r *borrowed) Close() error { return nil }

func (r *borrowed) giveBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rest, r.ended = nil, true
}
