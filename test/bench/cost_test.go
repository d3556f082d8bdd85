package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAllocationsAreReadFromTheMetrics(t *testing.T) {
	h, err := heapOf(strings.NewReader("# TYPE go_memstats_mallocs_total counter\ngo_memstats_mallocs_total 1.2e+06\n" +
		"go_memstats_alloc_bytes 5\ngo_memstats_alloc_bytes_total 3.5e+07\n"))
	require.NoError(t, err)
	require.Equal(t, heap{bytes: 3.5e7, objects: 1.2e6}, h)
}

func TestMetricsThatLackACounterAreAFault(t *testing.T) {
	_, err := heapOf(strings.NewReader("go_memstats_mallocs_total 1\n"))
	require.ErrorContains(t, err, "no go_memstats_alloc_bytes_total")
	_, err = heapOf(strings.NewReader("go_memstats_mallocs_total many\n"))
	require.ErrorContains(t, err, "go_memstats_mallocs_total")
}

func TestACostIsTheDifferenceOfTwoReadings(t *testing.T) {
	before := cost{cpu: time.Second, sender: time.Second, heap: heap{bytes: 10, objects: 1}}
	after := cost{cpu: 3 * time.Second, sender: 4 * time.Second, heap: heap{bytes: 30, objects: 5}}
	require.Equal(t, cost{cpu: 2 * time.Second, sender: 3 * time.Second, heap: heap{bytes: 20, objects: 4}}, after.since(before))
}
