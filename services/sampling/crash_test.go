package sampling

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/triflow/triflow/pkg/settings"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// crashDir names the environment variable that makes this test program a voter to be killed.
const crashDir = "SAMPLING_TEST_CRASH_DIR"

// voteUntilKilled decides one trace after the other and writes the number of each that was acknowledged.
func voteUntilKilled(dir string) error {
	s, err := New(settings.Defaults[Config](), testDeps(dir))
	if err != nil {
		return err
	}
	go func() { _ = s.Run(context.Background()) }()
	v := &server{s: s}
	for n := 0; ; {
		if _, err := v.Decide(context.Background(), facts(n, 1)); err == nil {
			fmt.Println(n)
			n++
		}
	}
}

func TestWhatWasAcknowledgedOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	program, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	last := -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		last, err = strconv.Atoi(lines.Text())
		require.NoError(t, err)
		if last == 100 {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.Error(t, child.Wait())
	require.GreaterOrEqual(t, last, 100)

	v := alone(t, dir, nil)
	in := &samplingv1.BatchGetDecisionsRequest{}
	for n := range last + 1 {
		in.TraceIds = append(in.TraceIds, traceID(n))
	}
	got, err := v.client.BatchGetDecisions(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, got.GetUnknownTraceIds())
	require.Len(t, got.GetDecisions(), last+1)
}
