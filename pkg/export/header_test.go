package export_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/export"
	"github.com/triflow/triflow/pkg/handoff"
)

// deps has TOKEN in its environment.
func deps(log slog.Handler) export.Deps {
	return export.Deps{
		Now: time.Now, Rand: rand.Float64, Log: slog.New(log),
		LookupEnv: func(name string) (string, bool) {
			value, ok := map[string]string{"TOKEN": "hunter2", "EMPTY": "", "ODD": "a\x00b"}[name]
			return value, ok
		},
	}
}

func TestASecretComesFromTheEnvironmentOrFromAFileAsItIsNow(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		t.Run(scheme, func(t *testing.T) {
			b := newBackend(t, scheme, nil)
			path := filepath.Join(t.TempDir(), "token")
			write(t, path, []byte("first\n"))
			cfg := quick(export.RoundRobin, b)
			cfg.Endpoints[0].Secrets = map[string]export.Secret{
				"X-Key": {Env: "TOKEN"}, "Authorization": {File: path, Prefix: "Bearer "},
			}
			r := run(t, cfg)
			for _, c := range []struct{ content, want string }{
				{"first\n", "Bearer first"},
				{"second", "Bearer second"},
				{"", "Bearer second"}, // whoever writes it has not come further
				{"third", "Bearer third"},
			} {
				write(t, path, []byte(c.content))
				<-r.push(request(t, "one", 1), 1)
				b.wait(t, func() bool { return b.header.Get("Authorization") == c.want && b.header.Get("X-Key") == "hunter2" })
			}
		})
	}
}

func TestASecretThatIsNotThereIsToldAtTheStart(t *testing.T) {
	for want, s := range map[string]export.Secret{
		"env: ABSENT is not set":        {Env: "ABSENT"},
		"value of 0 bytes":              {Env: "EMPTY"},
		"value of 3 bytes":              {Env: "ODD"},
		"no such file":                  {File: filepath.Join(t.TempDir(), "absent")},
		"want one of them":              {File: "a", Env: "b"},
		`env and file: "" and "", want`: {},
		"prefix:":                       {Env: "TOKEN", Prefix: "\n"},
	} {
		cfg := quick(export.RoundRobin, &backend{scheme: "http", address: "127.0.0.1:1"})
		cfg.Endpoints[0].Secrets = map[string]export.Secret{"Authorization": s}
		_, err := export.New(cfg, deps(slog.DiscardHandler))
		require.ErrorContains(t, err, "endpoints[0]", want)
		require.ErrorContains(t, err, "secrets.Authorization", want)
		require.ErrorContains(t, err, want)
	}
}

// buffer is a log that many write.
type buffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestASecretIsNeverShownEvenIfTheBackendRepeatsIt(t *testing.T) {
	says := "who is Bearer hunter2?"
	for scheme, odd := range map[string]reply{
		"grpc": {err: status.Error(codes.Unauthenticated, says)}, "http": {status: 401, body: []byte(says)},
	} {
		t.Run(scheme, func(t *testing.T) {
			b := newBackend(t, scheme, func(int) reply { return odd })
			cfg := quick(export.RoundRobin, b)
			cfg.Endpoints[0].Secrets = map[string]export.Secret{"Authorization": {Env: "TOKEN", Prefix: "Bearer "}}
			log := &buffer{}
			r := runWith(t, cfg, deps(slog.NewJSONHandler(log, nil)))
			<-r.push(request(t, "one", 1), 1)
			finding := r.fault("refused")
			require.Contains(t, finding.Text, "who is Bearer ***?")
			r.stop()
			b.wait(t, func() bool { return b.header.Get("Authorization") == "Bearer hunter2" })
			for _, shown := range []string{log.String(), fmt.Sprintf("%+v", finding), fmt.Sprintf("%+v", r.Stats()), fmt.Sprintf("%+v", cfg)} {
				require.NotEmpty(t, shown)
				require.False(t, strings.Contains(shown, "hunter2"), shown)
			}
		})
	}
}

func TestTheTenantIsToldToABackendThatWantsToKnow(t *testing.T) {
	for _, scheme := range []string{"grpc", "http"} {
		b := newBackend(t, scheme, nil)
		cfg := quick(export.RoundRobin, b)
		cfg.TenantHeader = "X-Tenant"
		r := run(t, cfg)
		done := make(chan struct{})
		require.NoError(t, r.Push(t.Context(), handoff.Batch{
			Signal: traces, Tenant: "globex", Items: 1, Payload: request(t, "one", 1), Done: func() { close(done) },
		}))
		b.wait(t, func() bool { return b.header.Get("X-Tenant") == "globex" })
		<-done
	}
}
