package remediation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
	remediationv1 "github.com/triflow/triflow/proto/gen/triflow/remediation/v1"
)

// serve runs a real server on loopback until the test ends.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func hook(t *testing.T, allow ...string) *webhook {
	cfg := settings.Defaults[Config]()
	cfg.WebhookSecret, cfg.WebhookAllow = "sesame", allow
	require.NoError(t, cfg.Validate())
	w := newWebhook(cfg, Deps{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, Rand: func() uint32 { return 7 }})
	w.base = time.Microsecond
	t.Cleanup(w.close)
	return w
}

func post(address string) call {
	return call{plan: &remediationv1.Remediation{Id: "p1", IncidentId: "i1", Service: "cart", CauseKind: slow, Steps: []*remediationv1.Step{
		{}, {Kind: remediationv1.ActionKind_ACTION_KIND_WEBHOOK, Parameters: map[string]string{"url": address, "message": "cart is slow"}},
	}}, index: 1}
}

func TestACallIsSignedAndSaysWhatWasFound(t *testing.T) {
	var header http.Header
	var body []byte
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	})
	w := hook(t, "127.0.0.1")
	text, err := w.DryRun(t.Context(), post(srv.URL))
	require.NoError(t, err)
	require.Contains(t, text, "bytes of JSON to "+srv.URL+", signed")
	require.Nil(t, header, "a dry run does not call")
	result, err := w.Do(t.Context(), post(srv.URL))
	require.NoError(t, err)
	require.Contains(t, result, "was answered with 200, attempt 1")

	require.Equal(t, "p1/2", header.Get(headerKey))
	at, mac, _ := strings.Cut(strings.TrimPrefix(header.Get(headerSignature), "t="), ",v1=")
	h := hmac.New(sha256.New, []byte("sesame"))
	fmt.Fprintf(h, "%s.%s", at, body)
	require.Equal(t, hex.EncodeToString(h.Sum(nil)), mac)
	var got map[string]any
	require.NoError(t, json.Unmarshal(body, &got))
	require.Equal(t, "cart is slow", got["message"])
	require.Equal(t, "SLOW", got["cause"])
}

func TestACallIsRepeatedWithTheSameKeyUntilItIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		codes []int
		calls int32
		want  string
	}{
		"busy, then taken":     {[]int{503, 429, 500, 200}, 4, ""},
		"refused for good":     {[]int{400}, 1, "attempt 1: answered with 400"},
		"never taken":          {[]int{503}, maxAttempts, "attempt 5: answered with 503"},
		"taken as created":     {[]int{201}, 1, ""},
		"a redirect that GETs": {[]int{302}, 1, "lose the body"},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			keys, bodies := map[string]bool{}, map[string]bool{}
			srv := serve(t, func(rw http.ResponseWriter, r *http.Request) {
				n := int(calls.Add(1))
				keys[r.Header.Get(headerKey)] = true
				b, _ := io.ReadAll(r.Body)
				bodies[string(b)] = true
				rw.Header().Set("Location", "/elsewhere")
				rw.WriteHeader(c.codes[min(n, len(c.codes))-1])
			})
			_, err := hook(t, "127.0.0.1").Do(t.Context(), post(srv.URL))
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
			require.Equal(t, c.calls, calls.Load())
			require.Len(t, keys, 1)
			require.Len(t, bodies, 1)
		})
	}
}

func TestRetryAfterIsHonouredUpToALimit(t *testing.T) {
	w := hook(t)
	for text, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "100000": maxRetryAfter, "9999": maxRetryAfter, "-1": 0, "soon": 0,
		w.now().Add(5 * time.Second).UTC().Format(http.TimeFormat):  5 * time.Second,
		w.now().Add(-5 * time.Second).UTC().Format(http.TimeFormat): 0,
	} {
		require.Equal(t, want, w.retryAfter(text), text)
	}
}

func TestOnlyListedHostsAreCalled(t *testing.T) {
	trap := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the trap was called") })
	port := trap.URL[strings.LastIndex(trap.URL, ":"):]
	for name, c := range map[string]struct {
		allow   []string
		address string
		want    string
	}{
		"nothing is listed":           {nil, trap.URL, "is not in the list"},
		"another host is listed":      {[]string{"hooks.example.com"}, trap.URL, "is not in the list"},
		"a name that means loopback":  {[]string{"localhost"}, "http://localhost" + port, "private or special address"},
		"an address in decimal":       {[]string{"127.0.0.1"}, "http://2130706433" + port, "is not in the list"},
		"an address in octal":         {[]string{"127.0.0.1"}, "http://0177.0.0.1" + port, "is not in the list"},
		"an address within IPv6":      {[]string{"::ffff:7f00:1"}, "http://[::ffff:7f00:2]" + port, "is not in the list"},
		"a user in the address":       {[]string{"127.0.0.1"}, "http://a:b@127.0.0.1" + port, "with a user in it"},
		"another scheme":              {[]string{"127.0.0.1"}, "ftp://127.0.0.1" + port, `scheme "ftp", want https or http`},
		"no address":                  {[]string{"127.0.0.1"}, "http://%zz", "not an address"},
		"the metadata of a cloud":     {[]string{"169.254.0.0"}, "http://169.254.169.254/latest", "is not in the list"},
		"a range that is not its own": {[]string{"10.0.0.0/8"}, trap.URL, "is not in the list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hook(t, c.allow...).Do(t.Context(), post(c.address))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRedirectsAreCheckedAsTheFirstAddressIs(t *testing.T) {
	trap := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the trap was called") })
	var target atomic.Value
	var hops atomic.Int32
	srv := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		hops.Add(1)
		http.Redirect(rw, r, target.Load().(string), http.StatusTemporaryRedirect)
	})
	u, err := url.Parse(trap.URL)
	require.NoError(t, err)
	for address, want := range map[string]string{
		"http://169.254.169.254/latest/meta-data": "not in the list",
		"http://localhost:" + u.Port():            "not in the list",
		"http://[::1]:" + u.Port():                "not in the list",
		"file:///etc/passwd":                      "want https or http",
		srv.URL:                                   "more than 3 redirects",
	} {
		target.Store(address)
		hops.Store(0)
		_, err := hook(t, "127.0.0.1").Do(t.Context(), post(srv.URL))
		require.ErrorContains(t, err, want)
		require.LessOrEqual(t, hops.Load(), int32(maxRedirects+1))
	}
}

func TestARedirectToAnotherHostCarriesTheBodyButNoSignature(t *testing.T) {
	var header http.Header
	var body []byte
	last := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	})
	first := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, last.URL, http.StatusPermanentRedirect)
	})
	_, err := hook(t, "127.0.0.0/8").Do(t.Context(), post(first.URL))
	require.NoError(t, err)
	require.NotEmpty(t, body)
	require.Equal(t, "p1/2", header.Get(headerKey))
	require.Empty(t, header.Get(headerSignature))
}

func TestALongAnswerIsNotReadToItsEnd(t *testing.T) {
	srv := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write(make([]byte, 64<<20))
	})
	_, err := hook(t, "127.0.0.1").Do(t.Context(), post(srv.URL))
	require.NoError(t, err)
}

func TestPrivateAddressesAreKnown(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "169.254.169.254": true,
		"100.100.100.200": true, "0.0.0.0": true, "255.255.255.255": true, "224.0.0.1": true, "::1": true, "::": true,
		"fe80::1": true, "fd00:ec2::254": true, "::ffff:10.0.0.1": true, "64:ff9b::7f00:1": true, "2002:7f00:1::": true,
		"8.8.8.8": false, "2606:4700::1111": false, "172.32.0.1": false,
	} {
		require.Equal(t, want, private(netip.MustParseAddr(address).Unmap()), address)
	}
	a := newAllowList([]string{"10.0.0.0/8"}, "http://127.0.0.1/x")
	require.NoError(t, a.checkDial("10.9.9.9:443"))
	require.NoError(t, a.checkDial("127.0.0.1:1"), "the operator's own address")
	require.Error(t, a.checkDial("127.0.0.2:1"))
	require.NoError(t, a.checkDial("8.8.8.8:443"))
	require.Error(t, a.checkDial("nonsense"))
}

func TestASecretDoesNotShow(t *testing.T) {
	cfg := settings.Defaults[Config]()
	cfg.WebhookSecret = "sesame"
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "config", cfg, "secret", cfg.WebhookSecret)
	encoded, err := json.Marshal(cfg)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v %#v %s %q", cfg, cfg, cfg.WebhookSecret, cfg.WebhookSecret), log.String(), string(encoded)} {
		require.NotContains(t, text, "sesame")
	}
	require.Empty(t, Secret("").String())
}

func TestTheConfigNamesEveryFault(t *testing.T) {
	cfg := Config{WebhookURL: "http://a:b@x", WebhookAllow: []string{"a b", "10.0.0.0/8", "hooks.example.com", "::1"}, Cooldown: -1}
	err := cfg.Validate()
	for _, want := range []string{"poll: 0s", "approval_time: 0s", "cooldown: -1ns", "max_pending: 0", "step_timeout: 0s", "webhook_url", `webhook_allow[0]: "a b"`} {
		require.ErrorContains(t, err, "remediation."+want)
	}
	require.NotContains(t, err.Error(), "webhook_allow[1]")
	require.NotContains(t, err.Error(), "a:b")
	require.NoError(t, settings.Defaults[Config]().Validate())
}
