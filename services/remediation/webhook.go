package remediation

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// callTimeout bounds one attempt.
	callTimeout = 5 * time.Second
	// maxAttempts bounds the attempts of one step, maxRedirects the hops of one attempt.
	maxAttempts  = 5
	maxRedirects = 3
	// maxResponse is how much of an answer is read.
	maxResponse = 64 << 10
	// maxRetryAfter bounds the pause that the other side may ask for.
	maxRetryAfter = 20 * time.Second

	headerKey       = "Idempotency-Key"
	headerSignature = "Triflow-Signature"
)

// webhook posts a JSON body that says what was found. The signature header is "t=<unix seconds>,v1=<hex>", where v1 is
// the HMAC-SHA256 with the secret over the seconds, a dot and the body; so a receiver can refuse what is old or altered.
type webhook struct {
	secret Secret
	allow  allowList
	client *http.Client
	now    func() time.Time
	random func() uint32
	base   time.Duration // pause after the first failure, before jitter
}

func newWebhook(cfg Config, deps Deps) *webhook {
	w := &webhook{
		secret: cfg.WebhookSecret,
		allow:  newAllowList(cfg.WebhookAllow, cfg.WebhookURL),
		now:    deps.Now,
		random: deps.Rand,
		base:   500 * time.Millisecond,
	}
	transport := deps.HTTP
	if transport == nil {
		transport = newTransport(w.allow)
	}
	w.client = &http.Client{Transport: transport, CheckRedirect: w.checkRedirect}
	return w
}

// DryRun checks the address without calling it.
func (w *webhook) DryRun(_ context.Context, c call) (string, error) {
	u, err := w.target(c)
	if err != nil {
		return "", err
	}
	signed := "signed"
	if w.secret == "" {
		signed = "not signed, for there is no secret"
	}
	return fmt.Sprintf("would POST %d bytes of JSON to %s, %s", len(w.body(c)), u.Redacted(), signed), nil
}

// Do posts the body until it is taken, refused for good, or ctx ends. Every attempt carries the same key.
func (w *webhook) Do(ctx context.Context, c call) (string, error) {
	u, err := w.target(c)
	if err != nil {
		return "", err
	}
	body := w.body(c)
	for attempt := 1; ; attempt++ {
		code, pause, err := w.post(ctx, u, c.key(), body)
		if err == nil {
			return fmt.Sprintf("POST to %s was answered with %d, attempt %d", u.Redacted(), code, attempt), nil
		}
		if pause < 0 || attempt == maxAttempts {
			return "", fmt.Errorf("post to %s, attempt %d: %w", u.Redacted(), attempt, err)
		}
		if e := wait(ctx, max(pause, w.backoff(attempt))); e != nil {
			return "", fmt.Errorf("post to %s, attempt %d: %w", u.Redacted(), attempt, errors.Join(err, e))
		}
	}
}

func (w *webhook) close() { w.client.CloseIdleConnections() }

func (w *webhook) target(c call) (*url.URL, error) {
	u, err := url.Parse(c.parameters()["url"])
	if err != nil {
		return nil, fmt.Errorf("url: not an address")
	}
	if err := w.allow.checkURL(u); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return u, nil
}

// body says what was found. It holds no time, so that a repeated call has the same bytes.
func (w *webhook) body(c call) []byte {
	b, err := json.Marshal(map[string]any{
		"remediation_id": c.plan.GetId(),
		"incident_id":    c.plan.GetIncidentId(),
		"playbook":       c.plan.GetPlaybook(),
		"step":           c.index + 1,
		"service":        c.plan.GetService(),
		"cause":          causeName(c.plan.GetCauseKind()),
		"confidence":     c.plan.GetConfidence(),
		"message":        c.parameters()["message"],
	})
	if err != nil { // only a confidence that is no number can do this
		return []byte(`{}`)
	}
	return b
}

// post makes one attempt. With an error, pause says how long the other side asked to wait at least; negative: do not
// try again.
func (w *webhook) post(ctx context.Context, u *url.URL, key string, body []byte) (code int, pause time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, -1, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "triflow")
	req.Header.Set(headerKey, key)
	if w.secret != "" {
		req.Header.Set(headerSignature, w.sign(body))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		var refused refusal
		if errors.As(err, &refused) {
			return 0, -1, refused
		}
		return 0, 0, unwrapURL(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxResponse))
	if resp.StatusCode/100 == 2 {
		return resp.StatusCode, 0, nil
	}
	err = fmt.Errorf("answered with %d", resp.StatusCode)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		return resp.StatusCode, w.retryAfter(resp.Header.Get("Retry-After")), err
	}
	return resp.StatusCode, -1, err
}

func (w *webhook) sign(body []byte) string {
	at := strconv.FormatInt(w.now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(w.secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "t=" + at + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// refusal is an error of our own that no retry will mend.
type refusal struct{ error }

// checkRedirect lets a POST go on as a POST (307, 308) to an allowed host, without the signature if it is another one.
func (w *webhook) checkRedirect(req *http.Request, via []*http.Request) error {
	last := via[len(via)-1]
	switch err := w.allow.checkURL(req.URL); {
	case len(via) > maxRedirects:
		return refusal{fmt.Errorf("more than %d redirects", maxRedirects)}
	case req.Method != http.MethodPost:
		return refusal{errors.New("a redirect that would lose the body, want 307 or 308")}
	case err != nil:
		return refusal{fmt.Errorf("redirect: %w", err)}
	case last.URL.Scheme == "https" && req.URL.Scheme != "https":
		return refusal{errors.New("a redirect from https to http")}
	}
	if req.URL.Host != via[0].URL.Host {
		req.Header.Del(headerSignature)
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	return nil
}

// backoff is a random pause up to base·2^(attempt−1): full jitter.
func (w *webhook) backoff(attempt int) time.Duration {
	ceiling := w.base << min(attempt-1, 6)
	return time.Duration(float64(ceiling) * float64(w.random()) / (1 << 32))
}

// retryAfter reads the header, seconds or a date, up to maxRetryAfter; 0 when there is none.
func (w *webhook) retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(w.now()), 0), maxRetryAfter)
	}
	return 0
}

// unwrapURL drops the address from a client's error; ours names it already, with what must not be shown left out.
func unwrapURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
