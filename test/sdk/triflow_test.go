package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/test/program"
)

// binary is where TestMain puts the program.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "triflow-sdk-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "triflow")
	if err := program.Build(context.Background(), "../..", binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// patience bounds how long Triflow may take to do what a test waits for.
const patience = time.Minute

// triflow is a running one. It can be killed and started again on the same ports and data.
type triflow struct {
	t          *testing.T
	process    *program.Program
	data       string
	grpc, http string // addresses for OTLP
	rest       string // base URL of the API
}

func startTriflow(t *testing.T) *triflow {
	s := &triflow{t: t, data: t.TempDir(), grpc: "127.0.0.1:0", http: "127.0.0.1:0"}
	s.start()
	t.Cleanup(func() { require.NoError(t, s.process.Stop()) })
	return s
}

func (s *triflow) start() {
	s.t.Helper()
	var err error
	s.process, err = program.Start(binary, nil, "all", "--data", s.data, "--ingestion-grpc", s.grpc, "--ingestion-http", s.http,
		"--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	require.NoError(s.t, err)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	said, err := s.process.Match(ctx, regexp.MustCompile(`page +(http://\S+)[\s\S]*OTLP +(\S+) over gRPC, http://(\S+) over HTTP`))
	require.NoError(s.t, err)
	s.rest, s.grpc, s.http = said[0], said[1], said[2]
}

func (s *triflow) kill() { require.NoError(s.t, s.process.Kill()) }

// get reads an answer of the API.
func (s *triflow) get(path string, out any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.rest+path, nil)
	require.NoError(s.t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer answer.Body.Close()
	require.Equal(s.t, http.StatusOK, answer.StatusCode, path)
	require.NoError(s.t, json.NewDecoder(answer.Body).Decode(out))
}

// sender is a row of the API's senders.
type sender struct {
	Service, SDK string
	Accepted     uint64 `json:",string"`
	Quality      struct{ Completeness *float64 }
}

// sender gives the row of a service, and the zero row if there is none.
func (s *triflow) sender(service string) sender {
	s.t.Helper()
	var list struct{ Senders []sender }
	s.get("/api/v1/ingestion/senders", &list)
	for _, row := range list.Senders {
		if row.Service == service {
			return row
		}
	}
	return sender{}
}

// missing is how many spans the API says that a service has lost.
func (s *triflow) missing(service string) (items uint64) {
	s.t.Helper()
	var list struct {
		Faults []struct {
			Class, Kind, Subject, Signal string
			Items                        uint64 `json:",string"`
		}
	}
	s.get("/api/v1/ingestion/faults?class=FAULT_CLASS_OMISSION", &list)
	for _, f := range list.Faults {
		if f.Kind == "gap" && f.Subject == "default/"+service {
			require.Equal(s.t, "SIGNAL_TRACES", f.Signal)
			items += f.Items
		}
	}
	return items
}
