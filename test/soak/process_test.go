package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/triflow/triflow/test/program"
)

const mib = 1 << 20

// sizes are settings that an overload of seconds comes up against.
var sizes = settings{
	"--ingestion-max-bytes": 4 * mib, "--ingestion-in-flight-bytes": 32 * mib, "--ingestion-handoff-bytes": 16 * mib,
	"--ingestion-segment-bytes": 6 * mib, "--ingestion-wal-bytes": 36 * mib,
}

// settings are of sizes in bytes.
type settings map[string]int64

// args are those of a process with these settings.
func (s settings) args() []string {
	args := []string{"--memory-limit", strconv.FormatInt(s.memory(), 10)}
	for name, size := range s {
		args = append(args, name, strconv.FormatInt(size, 10))
	}
	return args
}

// memory is what a process with these settings is given: for requests, for the newest records of each signal and what its
// receiver holds undone, and what a process has anyway. What is undone is not held for receivers elsewhere; its share is
// for buffers, which are up to twice as large as what is in them.
func (s settings) memory() int64 {
	const tail, process = 32 * mib, 96 * mib
	return s["--ingestion-in-flight-bytes"] + int64(signals)*(s["--ingestion-handoff-bytes"]+tail) + process
}

// readyLimit bounds how long a process may take to serve.
const readyLimit = 30 * time.Second

var triflow string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "triflow-soak-")
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
