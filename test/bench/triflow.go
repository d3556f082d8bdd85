package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// triflow is a process of `triflow all` on ports of its own.
type triflow struct {
	cmd  *exec.Cmd
	otlp string // address for OTLP over gRPC
	rest string // base URL
	data string
	log  string // file with its standard error
}

// startTriflow starts the binary with an empty data folder within dir and returns when it is ready.
func startTriflow(ctx context.Context, path, dir string) (_ *triflow, err error) {
	root, err := os.MkdirTemp(dir, "triflow-bench-")
	if err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	t := &triflow{data: filepath.Join(root, "data"), log: filepath.Join(root, "log")}
	errOut, err := os.Create(t.log)
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer errOut.Close()
	t.cmd = exec.CommandContext(ctx, path, "all", "--ingestion-grpc", "127.0.0.1:0", "--ingestion-http", "127.0.0.1:0",
		"--gateway-listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", t.data)
	t.cmd.Stderr = errOut
	t.cmd.Cancel = func() error { return t.cmd.Process.Signal(syscall.SIGTERM) }
	t.cmd.WaitDelay = 15 * time.Second
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	if t.rest, t.otlp, err = addresses(out); err != nil {
		return nil, errors.Join(err, t.stop())
	}
	return t, nil
}

// addresses reads what the process prints when it is ready, up to the line of its data folder, the last.
func addresses(out io.Reader) (rest, otlp string, err error) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) < 2:
		case words[0] == "page":
			rest = words[1]
		case words[0] == "OTLP":
			otlp = words[1]
		case words[0] == "data" && rest != "" && otlp != "":
			return rest, otlp, nil
		}
	}
	return "", "", errors.Join(errors.New("triflow ended, or said less than its addresses"), lines.Err())
}

// stop ends the process and removes its data, after complaints were read.
func (t *triflow) stop() error {
	err := t.cmd.Cancel()
	return errors.Join(err, t.cmd.Wait(), os.RemoveAll(filepath.Dir(t.data)))
}

// cpu is the time that the process has spent on cores, in user and kernel mode.
func (t *triflow) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read cpu time: %w", err)
	}
	return cpuOf(stat)
}

// cpuOf reads fields 14 and 15 of proc(5)'s stat, in ticks of 10 ms. The second field, the name, may hold spaces.
func cpuOf(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read cpu time: %q has too few fields", stat)
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err, err2)
}

// peakRSS is the most memory that the process had, in bytes.
func (t *triflow) peakRSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	kib, err := strconv.ParseInt(strings.TrimSuffix(field(string(text), "VmHWM"), " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: VmHWM: %w", err)
	}
	return kib << 10, nil
}

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

// complaints are the warnings and errors that the process logged, each text once with its count.
func (t *triflow) complaints() (map[string]int, error) {
	log, err := os.ReadFile(t.log)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	found := map[string]int{}
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, "level=INFO") {
			found[complaint(line)]++
		}
	}
	return found, nil
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
