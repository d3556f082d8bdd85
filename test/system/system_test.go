package system

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// system is a Triflow, in one process or in several, as a user reaches it.
type system struct {
	t     *testing.T
	front *process // that serves rest
	rest  string   // http://host:port of the gateway
	otlp  string   // host:port of OTLP over gRPC
}

// startAll starts `triflow all` on free ports.
func startAll(t *testing.T, data string, args ...string) *system {
	t.Helper()
	p := start(t, append([]string{
		"all", "--data", data, "--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
		"--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
	}, args...)...)
	return &system{
		t: t, front: p,
		rest: p.match(`page +(http://\S+)`)[0],
		otlp: p.match(`OTLP +(\S+) over gRPC`)[0],
	}
}

// shop is the demo shop that sends to a system.
type shop struct {
	t       *testing.T
	control string
}

func startShop(t *testing.T, s *system) *shop {
	t.Helper()
	p := start(t, "shop", "--endpoint", s.otlp, "--control-address", "127.0.0.1:0")
	return &shop{t: t, control: p.match(`shop open.*url.full=(\S+)`)[0]}
}

// breakWith switches a fault on and gives the service that it befalls.
func (s *shop) breakWith(fault string) string {
	s.t.Helper()
	var view struct{ Target string }
	ask(s.t, http.MethodPut, s.control+"/faults/"+fault, "", &view)
	return view.Target
}

// get reads a JSON answer into out and gives the status code; out stays as it is unless that is 200.
func (s *system) get(path string, out any) int {
	s.t.Helper()
	return ask(s.t, http.MethodGet, s.rest+path, "", out)
}

func ask(t *testing.T, method, url, body string, out any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode == http.StatusOK && out != nil {
		require.NoError(t, json.Unmarshal(text, out), "%s %s: %s", method, url, text)
	}
	return resp.StatusCode
}

// text reads an answer that is not JSON.
func (s *system) text(path string) (code int, body string) {
	s.t.Helper()
	resp, err := http.Get(s.rest + path)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(text)
}

// incident is what the tests read of one.
type incident struct {
	ID, Title string
	Causes    []struct {
		Service, Explanation string
		Confidence           float64
		Evidence             []struct {
			Statement string
			Series    *struct{ ID string }
			Trace     *struct{ TraceID string }
		}
	}
}

func (s *system) incidents() []incident {
	s.t.Helper()
	var list struct{ Incidents []incident }
	require.Equal(s.t, http.StatusOK, s.get("/api/v1/incidents", &list))
	return list.Incidents
}

// ledger is assembly's account of spans.
type ledger struct {
	Received, Kept, Duplicates, Pending uint64 `json:",string"`
	Dropped                             []struct {
		Reason string
		Spans  uint64 `json:",string"`
	}
}

func (s *system) ledger() ledger {
	s.t.Helper()
	var l ledger
	require.Equal(s.t, http.StatusOK, s.get("/api/v1/ledger", &l))
	return l
}

// sum is what must be Received.
func (l ledger) sum() uint64 {
	sum := l.Kept + l.Duplicates + l.Pending
	for _, d := range l.Dropped {
		sum += d.Spans
	}
	return sum
}

// taken is how many spans ingestion acknowledged.
func (s *system) taken() uint64 {
	s.t.Helper()
	var l struct {
		Signals []struct {
			Signal   string
			Accepted uint64 `json:",string"`
		}
	}
	require.Equal(s.t, http.StatusOK, s.get("/api/v1/ingestion/ledger", &l))
	for _, signal := range l.Signals {
		if signal.Signal == "SIGNAL_TRACES" {
			return signal.Accepted
		}
	}
	return 0
}

func folder(t *testing.T, name string) string { return filepath.Join(t.TempDir(), name) }
