package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"time"
)

// scalingCores are the core limits under which the same load runs.
func scalingCores() []int { return []int{1, 2} }

// matrix is all that is measured on ingestion alone.
type matrix struct {
	closed  []*intake // transports, sizes, connections, durabilities; each connection sends when it was answered
	packed  []*intake // compressed bodies
	open    *intake   // exports due at a rate
	request int       // bytes of an export of 512 spans
	scaling []*intake // by cores
	rows    *regexp.Regexp
}

// newMatrix gives loads of that duration.
func newMatrix(duration time.Duration) *matrix {
	load := func(t transport, spans, connections int) load {
		return load{duration: duration, connections: connections, transport: t, shape: wideShape(spans)}
	}
	m := &matrix{}
	for _, durability := range []string{"always", "none"} {
		for _, t := range []transport{{}, {http: true}} {
			for _, spans := range []int{512, 50} {
				for _, connections := range []int{1, 4, 64} {
					m.closed = append(m.closed, &intake{load: load(t, spans, connections), durability: durability})
				}
			}
		}
	}
	for _, encoding := range []string{"gzip", "zstd"} {
		m.packed = append(m.packed, &intake{load: load(transport{http: true, encoding: encoding}, 512, 4), durability: "always"})
	}
	m.open = &intake{load: load(transport{}, 512, 16), durability: "always"}
	m.open.load.rate = 95_000
	for _, cores := range scalingCores() {
		m.scaling = append(m.scaling, &intake{load: load(transport{}, 512, 16), durability: "always", cores: cores})
	}
	return m
}

// all is every row in the order of measuring.
func (m *matrix) all() []*intake {
	rows := append(append([]*intake{}, m.closed...), m.packed...)
	return append(append(rows, m.open), m.scaling...)
}

// measure fills in the rows one after the other and tells of each.
func (m *matrix) measure(ctx context.Context, binary, dir string, progress io.Writer) error {
	sample, err := newRequest(wideShape(512))
	if err != nil {
		return err
	}
	m.request = len(sample.body)
	for _, in := range m.all() {
		if m.rows != nil && !m.rows.MatchString(in.String()) {
			continue
		}
		if err := in.measure(ctx, binary, dir); err != nil {
			return fmt.Errorf("%s: %w", in, err)
		}
		took := spreadOf(in.sent.took)
		if _, err := fmt.Fprintf(progress, "%s: %s spans/s, p50 %s ms, p99 %s ms, %d MiB, %.2f CPU-µs a span\n", in, thousands(in.perSecond()),
			millis(took.p50), millis(took.p99), in.peakRSS>>20, in.micros(in.cost.cpu)); err != nil {
			return err
		}
	}
	return nil
}
