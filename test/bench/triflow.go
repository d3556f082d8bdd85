package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/triflow/triflow/test/program"
)

// triflow is a process of `triflow all` on ports of its own.
type triflow struct {
	*program.Program
	otlp string // address for OTLP over gRPC
	rest string // base URL
	data string
}

// greeting is what the process prints when it is ready, up to the line of its data folder, the last.
const greeting = `page +(http://\S+)[\s\S]*OTLP +(\S+) over gRPC[\s\S]*data +/`

// startTriflow starts the binary with an empty data folder within dir and returns when it is ready.
func startTriflow(ctx context.Context, binary, dir string) (*triflow, error) {
	data, err := os.MkdirTemp(dir, "triflow-bench-")
	if err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	t := &triflow{data: data}
	t.Program, err = program.Start(binary, nil, "all", "--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
		"--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	said, err := t.Match(ctx, regexp.MustCompile(greeting))
	if err != nil {
		return nil, errors.Join(err, t.stop())
	}
	t.rest, t.otlp = said[0], said[1]
	return t, nil
}

// stop ends the process and removes its data.
func (t *triflow) stop() error { return errors.Join(t.Stop(), os.RemoveAll(t.data)) }

// size is how many bytes a role keeps on disk.
func (t *triflow) size(role string) (total int64, err error) {
	err = filepath.WalkDir(filepath.Join(t.data, role), func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return ignoreGone(err)
	})
	return total, err
}

// ignoreGone takes it as no fault that a file was removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// complaints are the warnings and errors in what a process has said, each text once with its count.
func complaints(said string) map[string]int {
	found := map[string]int{}
	for line := range strings.Lines(said) {
		if regexp.MustCompile(`level=(WARN|ERROR)|^(panic|fatal error): `).MatchString(line) {
			found[complaint(line)]++
		}
	}
	return found
}

// complaint is a log line's level and message, or all of a line that has none.
func complaint(line string) string {
	m := regexp.MustCompile(`level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)`).FindStringSubmatch(line)
	if m == nil {
		return strings.TrimSpace(line)
	}
	if message, err := strconv.Unquote(m[2]); err == nil {
		return m[1] + " " + message
	}
	return m[1] + " " + m[2]
}
