package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPU is the time that the process has spent on cores, in user and kernel mode.
func (p *Program) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
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

// PeakRSS is the most memory that the process had, in bytes.
func (p *Program) PeakRSS() (int64, error) { return p.memory("VmHWM") }

// RSS is the memory that the process has, in bytes.
func (p *Program) RSS() (int64, error) { return p.memory("VmRSS") }

func (p *Program) memory(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return memoryOf(string(text), name)
}

// memoryOf reads a size from proc(5)'s status.
func memoryOf(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read memory: %s: %w", name, err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("read memory: no %s", name)
}
