package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine describes where the figures were taken, one fact an entry. What cannot be found out is left out.
func machine(dir string) []string {
	facts := []string{fmt.Sprintf("%s, %d cores", field(read("/proc/cpuinfo"), "model name"), runtime.NumCPU())}
	if kib, err := strconv.ParseFloat(strings.TrimSuffix(field(read("/proc/meminfo"), "MemTotal"), " kB"), 64); err == nil {
		facts = append(facts, fmt.Sprintf("%.1f GiB of memory", kib/(1<<20)))
	}
	facts = append(facts, "Linux "+strings.TrimSpace(read("/proc/sys/kernel/osrelease")))
	if disk := diskOf(read("/proc/mounts"), dir); disk != "" {
		facts = append(facts, "data on "+disk)
	}
	if load := strings.Fields(read("/proc/loadavg")); len(load) > 3 {
		facts = append(facts, "load average before the runs "+strings.Join(load[:3], ", ")+"; far above 0, others had the cores too")
	}
	return facts
}

// commit is what the working tree is at; empty outside of git.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// diskOf finds the mount that holds dir in the text of /proc/mounts: the longest one, the last of equals.
func diskOf(mounts, dir string) string {
	best, disk := "", ""
	for line := range strings.Lines(mounts) {
		words := strings.Fields(line)
		if len(words) < 3 || len(words[1]) < len(best) || !within(dir, words[1]) {
			continue
		}
		best, disk = words[1], words[2]
		if device := filepath.Base(words[0]); strings.HasPrefix(words[0], "/dev/") {
			disk += " of " + device + kind(device)
		}
	}
	return disk
}

func within(dir, mount string) bool {
	rel, err := filepath.Rel(mount, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// kind says whether a block device turns. A virtual one says what its host makes it say.
func kind(device string) string {
	switch strings.TrimSpace(read("/sys/class/block/" + device + "/queue/rotational")) {
	case "0":
		return ", which calls itself solid-state"
	case "1":
		return ", which calls itself rotational"
	}
	return ""
}

// field is the value of the first line "name: value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// read gives a file's text, empty if it cannot be read: facts are left out then.
func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}
