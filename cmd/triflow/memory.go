package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// A tenth of a process's memory, and at least besidesGo, is not for Go to manage: Go does not count the pages of the
	// binary and of files that are mapped, and passes its limit for a moment when much is asked for at once.
	besidesGo = 48 << 20
	// leastMemory is what an idle process does with.
	leastMemory = 128 << 20
)

// limitMemory makes Go collect harder as the process nears limit, in bytes. 0 leaves it to the variable GOMEMLIMIT, which
// the runtime has read, and without that takes the least of what the cgroup and the machine have. It gives what undoes it.
func limitMemory(limit int64, log *slog.Logger) (undo func() error, err error) {
	if limit != 0 && limit < leastMemory {
		return nil, fmt.Errorf("memory_limit: %d, want 0 or at least %d", limit, leastMemory)
	}
	source := "setting"
	if limit == 0 {
		if os.Getenv("GOMEMLIMIT") != "" {
			return func() error { return nil }, nil
		}
		limit, source = memoryAround()
	}
	if limit == 0 {
		return func() error { return nil }, nil
	}
	before := debug.SetMemoryLimit(max(limit-max(limit/10, besidesGo), limit/2)) // a cgroup may have hardly any
	log.Info("memory limited", "limit_bytes", limit, "source", source)
	return func() error { debug.SetMemoryLimit(before); return nil }, nil
}

// memoryAround is the memory of the cgroup or, if that has no limit or more, of the machine; 0 if neither can be told.
func memoryAround() (limit int64, source string) {
	machine, err := memlimit.FromSystem()
	if err != nil {
		machine = 0
	}
	cgroup, err := memlimit.FromCgroup()
	if err == nil && (machine == 0 || cgroup < machine) {
		return int64(cgroup), "cgroup"
	}
	return int64(machine), "machine"
}
