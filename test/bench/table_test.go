package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// measured is the matrix as if each row had been measured: syncing makes it a quarter slower.
func measured() *matrix {
	m := newMatrix(time.Second)
	m.request = 512 * 470
	for _, in := range m.all() {
		in.sent = sent{spans: 4000, refused: 3, took: []time.Duration{time.Millisecond, 2 * time.Millisecond}, window: time.Second}
		if in.durability == "always" {
			in.sent.spans = 3000
		}
		in.cost = cost{cpu: 6 * time.Millisecond, sender: 3 * time.Millisecond, heap: heap{bytes: 60000, objects: 1500}}
		in.peakRSS = 64 << 20
	}
	return m
}

func TestEveryCombinationIsMeasuredOnce(t *testing.T) {
	names := map[string]bool{}
	for _, in := range newMatrix(time.Second).all() {
		names[in.String()] = true
	}
	require.Len(t, names, 2*2*3*2+2+1+2)
	require.Contains(t, names, "HTTP, zstd, 512 spans, 4 connections, always")
	require.Contains(t, names, "gRPC, 512 spans, 16 connections, always, 95,000 spans/s due")
	require.Contains(t, names, "gRPC, 512 spans, 16 connections, always, GOMAXPROCS=2")
}

func TestARowTellsFiguresByTheSpan(t *testing.T) {
	lines := strings.Split(table(measured().closed[:1]), "\n")
	require.Equal(t, "| gRPC | 512 | 1 | always | 3,000 | 2.00 | 1.00 | 20 | 0.50 | 1.0 / 2.0 | 3 | 64 MiB |", lines[2])
	for _, line := range lines[:2] {
		require.Equal(t, strings.Count(lines[2], "|"), strings.Count(line, "|"))
	}
}

func TestTheSectionTellsWhatSyncingCostsAtTheMostConnections(t *testing.T) {
	s := measured().section(origin{})
	require.Equal(t, "Ingestion alone", s.title)
	require.Contains(t, s.text, "gRPC, 512 spans: 25 %; gRPC, 50 spans: 25 %; HTTP, 512 spans: 25 %; HTTP, 50 spans: 25 %.")
	require.NotContains(t, s.text, heading)
}
