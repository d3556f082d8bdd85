package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cost is what was spent since the processes began.
type cost struct {
	cpu    time.Duration // of the process that is measured
	sender time.Duration // of this process on cores: sender and sink
	heap   heap          // of the process that is measured
}

// cost reads it, the scrape of the heap last.
func (g *ingestion) cost(ctx context.Context) (c cost, err error) {
	if c.cpu, err = g.CPU(); err != nil {
		return cost{}, err
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return cost{}, fmt.Errorf("read own cpu time: %w", err)
	}
	c.sender = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	c.heap, err = heapAt(ctx, g.admin)
	return c, err
}

func (c cost) since(before cost) cost {
	return cost{
		cpu: c.cpu - before.cpu, sender: c.sender - before.sender,
		heap: heap{c.heap.bytes - before.heap.bytes, c.heap.objects - before.heap.objects},
	}
}

// heap is what a process has allocated since its start.
type heap struct {
	bytes   float64
	objects float64
}

// heapAt reads it from the metrics of the admin address.
func heapAt(ctx context.Context, admin string) (heap, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return heap{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return heap{}, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	return heapOf(resp.Body)
}

// heapOf finds the two counters in the text format of Prometheus.
func heapOf(metrics io.Reader) (h heap, err error) {
	want := map[string]*float64{"go_memstats_alloc_bytes_total": &h.bytes, "go_memstats_mallocs_total": &h.objects}
	for lines := bufio.NewScanner(metrics); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		to := want[name]
		if to == nil {
			continue
		}
		if *to, err = strconv.ParseFloat(value, 64); err != nil {
			return heap{}, fmt.Errorf("read metrics: %s: %w", name, err)
		}
		delete(want, name)
	}
	for name := range want {
		return heap{}, fmt.Errorf("read metrics: no %s", name)
	}
	return h, nil
}
