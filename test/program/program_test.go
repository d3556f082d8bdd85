package program

import (
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func shell(t *testing.T, script string) *Program {
	t.Helper()
	p, err := Start("/bin/sh", []string{"WORD=hello"}, "-c", script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Kill()) })
	return p
}

func TestWhatAProcessSaysIsMatchedWhileItRuns(t *testing.T) {
	p := shell(t, `echo "at $WORD:7" >&2; exec sleep 60`)
	found, err := p.Match(t.Context(), regexp.MustCompile(`at (\w+):(\d)`))
	require.NoError(t, err)
	require.Equal(t, []string{"hello", "7"}, found)
	require.NoError(t, syscall.Kill(p.PID(), 0), "it runs")
	require.NoError(t, p.Kill())
	<-p.Ended()
}

func TestAProcessThatEndsIsNotWaitedFor(t *testing.T) {
	p := shell(t, `echo no; exit 3`)
	_, err := p.Match(t.Context(), regexp.MustCompile(`yes`))
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, p.Stop(), "no\n")
}

func TestStopIsAnInterruptAndWantsCodeZero(t *testing.T) {
	p := shell(t, `trap 'exit 0' INT; echo ready; while :; do sleep 0.01; done`)
	_, err := p.Match(t.Context(), regexp.MustCompile(`ready`))
	require.NoError(t, err)
	require.NoError(t, p.Stop())
}

func TestCostsOfARunningProcessAreRead(t *testing.T) {
	p := shell(t, `echo ready; while :; do sleep 0.01; done`) // to exec would begin its memory anew meanwhile
	_, err := p.Match(t.Context(), regexp.MustCompile(`ready`))
	require.NoError(t, err)
	_, err = p.CPU()
	require.NoError(t, err)
	peak, err := p.PeakRSS()
	require.NoError(t, err)
	now, err := p.RSS()
	require.NoError(t, err)
	require.Positive(t, now)
	require.Positive(t, peak) // and not at least now: proc(5) calls both inexact
}

func TestTimeOnCoresIsUserAndSystemTime(t *testing.T) {
	cpu, err := cpuOf([]byte("7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20"))
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, cpu)
	_, err = cpuOf([]byte("7 (a) S 1"))
	require.Error(t, err)
}

func TestMemoryIsReadInKibibytes(t *testing.T) {
	size, err := memoryOf("Name:\tx\nVmHWM:\t     12 kB\nVmRSS:\t 8 kB\n", "VmRSS")
	require.NoError(t, err)
	require.Equal(t, int64(8<<10), size)
	_, err = memoryOf("Name:\tx\n", "VmHWM")
	require.Error(t, err)
}
