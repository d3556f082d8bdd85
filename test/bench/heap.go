package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

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

func (h heap) since(before heap) heap {
	return heap{h.bytes - before.bytes, h.objects - before.objects}
}
