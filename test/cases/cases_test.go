package cases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/test/program"
)

// triflow is where TestMain puts the program, built once.
var triflow string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "triflow-cases-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	triflow = filepath.Join(dir, "triflow")
	if err := program.Build(context.Background(), "../..", triflow); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func TestCasesOfOurOwn(t *testing.T) { runFolder(t, "testdata") }

func TestCasesFromPublicReports(t *testing.T) {
	dir := os.Getenv("TRIFLOW_CASES")
	if dir == "" {
		t.Skip("NOT TESTED: TRIFLOW_CASES names no folder with cases")
	}
	runFolder(t, dir)
}

// runFolder runs each case of a folder: as it is written, and what is a right request of spans in the two other forms of
// OTLP besides.
func runFolder(t *testing.T, dir string) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "cases in %s", dir)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			c, err := load(path, 0)
			require.NoError(t, err)
			if !c.ingested() {
				t.Skipf("NOT FOR THIS HARNESS: signal %s does not come in by OTLP", c.Signal)
			}
			ways := []transport{asWritten}
			if c.SpecValid != nil && *c.SpecValid && c.Signal == "traces" && c.Transport == "http/json" {
				ways = append(ways, httpProtobuf, overGRPC)
			}
			for _, way := range ways {
				t.Run(string(way), func(t *testing.T) { runCase(t, path, way) })
			}
		})
	}
}

func runCase(t *testing.T, path string, way transport) {
	t.Parallel()
	p, err := start(t.Context(), triflow, t.TempDir())
	require.NoError(t, err)
	c, err := load(path, shiftTo(time.Now()))
	require.NoError(t, err)
	r := &run{scenario: c, product: p, via: way}
	v, err := r.play(t.Context())
	require.NoError(t, err)
	if len(v.Faults) == 0 {
		require.NoError(t, p.end())
	} else {
		require.NoError(t, p.Kill())
	}
	report(t, v)
}

// report tells the outcome in the log of the test, one line a fault.
func report(t *testing.T, v verdict) {
	t.Helper()
	t.Logf("OUTCOME %s", v.Outcome)
	for _, open := range v.Open {
		t.Logf("OPEN %s", open)
	}
	for _, fault := range v.Faults {
		t.Errorf("FAULT %s", fault)
	}
}
