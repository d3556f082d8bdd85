package wal

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// childDir names the folder in the environment of the child.
const childDir = "TRIFLOW_WAL_TEST_CHILD"

// killCycles in the environment says how many kills there are instead of 3.
const killCycles = "TRIFLOW_WAL_TEST_KILLS"

// appendUntilKilled is the child: four goroutines append, and print what was acknowledged.
func appendUntilKilled(dir string) int {
	l, err := Open(dir, Options{SegmentBytes: 64 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lines := make(chan string)
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				data := fmt.Sprintf("%d-%d-%s", g, i, strings.Repeat("y", i%999))
				p, err := l.Append(context.Background(), 1, []byte(data))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				lines <- fmt.Sprint(p, " ", data)
			}
		}()
	}
	for line := range lines {
		fmt.Println(line)
	}
	return 0
}

func TestEveryAcknowledgedRecordSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := make(map[uint64]string)
	cycles := 3
	if n, err := strconv.Atoi(os.Getenv(killCycles)); err == nil {
		cycles = n
	}
	for range cycles {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			p, data, whole := strings.Cut(lines.Text(), " ")
			position, err := strconv.ParseUint(p, 10, 64)
			require.NoError(t, err)
			if n == 100 {
				require.NoError(t, cmd.Process.Kill())
			}
			if n < 100 && whole {
				require.NotContains(t, acknowledged, position, "a position was given twice")
				acknowledged[position] = data
			}
		}
		_ = cmd.Wait() // it was killed
	}
	l := openLog(t, dir, Options{SegmentBytes: 64 << 10})
	read := make(map[uint64]string)
	for _, rec := range rest(t, l, 1) {
		read[rec.Position] = string(rec.Data)
	}
	require.Len(t, acknowledged, 100*cycles)
	for p, data := range acknowledged {
		require.Equal(t, data, read[p], "record %d", p)
	}
	require.Zero(t, l.Stats().Damaged)
}
