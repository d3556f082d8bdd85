package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/triflow/triflow/sdk/processor"
)

// TestTwoCollectorsAgreeOnTheBatchesOfTheSDKUntilOneIsChanged runs two programs that are peers, and an application whose
// batches reach both.
func TestTwoCollectorsAgreeOnTheBatchesOfTheSDKUntilOneIsChanged(t *testing.T) {
	t.Parallel()
	names, data, ports := []string{"east", "west"}, []string{folder(t, "east"), folder(t, "west")}, freePorts(t, 2)
	peers := "collectors:\n"
	for i, name := range names {
		require.NoError(t, os.MkdirAll(filepath.Join(data[i], "ingestion"), 0o700))
		public, err := exec.Command(program, "witness-key", filepath.Join(data[i], "ingestion", "witness.key")).Output()
		require.NoError(t, err)
		peers += fmt.Sprintf("- {name: %s, address: '127.0.0.1:%s', public_key: '%s'}\n", name, ports[i], strings.TrimSpace(string(public)))
	}
	file := filepath.Join(t.TempDir(), "peers.yaml")
	require.NoError(t, os.WriteFile(file, []byte(peers), 0o600))
	var all []*system
	both := &twice{}
	for i, name := range names {
		s := startAll(t, data[i], "--ingestion-name", name, "--ingestion-witness-peers", file, "--witness-listen", "127.0.0.1:"+ports[i])
		e, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(s.otlp), otlptracegrpc.WithInsecure())
		require.NoError(t, err)
		all, both.to = append(all, s), append(both.to, e)
	}
	p, err := processor.New(both)
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
	defer func() { require.NoError(t, provider.Shutdown(context.WithoutCancel(t.Context()))) }()
	batch := func() {
		for range 3 {
			_, span := provider.Tracer("shop").Start(t.Context(), "pay")
			span.End()
		}
		require.NoError(t, provider.ForceFlush(t.Context()))
	}

	batch()
	for i, s := range all {
		other := names[1-i]
		s.front.await(time.Minute, "receipts to and fro", func() bool {
			return s.receipts("collector", "collector/"+other) == 1 && s.receipts("collector/"+other, "collector") == 1
		})
		require.Empty(t, s.contradictions())
	}
	both.lie = true
	batch()
	for _, s := range all {
		s.front.await(time.Minute, "the contradiction", func() bool { return len(s.contradictions()) == 1 })
		require.Equal(t, "east, west", s.contradictions()[0].Subject)
		require.Contains(t, s.contradictions()[0].Text, "batch 4 of default/")
		s.front.match(`level=WARN msg="fault found".*fault.class=FAULT_CLASS_BYZANTINE`)
	}
}

// contradiction is what the test reads of a fault.
type contradiction struct{ Subject, Text string }

func (s *system) contradictions() []contradiction {
	var list struct{ Faults []contradiction }
	s.get("/api/v1/ingestion/faults?class=FAULT_CLASS_BYZANTINE", &list)
	return list.Faults
}

// receipts counts those that went from a node of the graph to another.
func (s *system) receipts(from, to string) int {
	var graph struct {
		Edges []struct {
			From, To, Direction string
			Items               int `json:",string"`
		}
	}
	s.get("/api/v1/ingestion/dataflow", &graph)
	for _, e := range graph.Edges {
		if e.From == from && e.To == to && e.Direction == "FLOW_DIRECTION_LATERAL" {
			return e.Items
		}
	}
	return 0
}

// twice exports each batch to all, the last of them with other contents when it lies.
type twice struct {
	to  []*otlptrace.Exporter
	lie bool
}

func (e *twice) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	var errs []error
	for i, to := range e.to {
		if e.lie && i == len(e.to)-1 {
			spans = slices.Clone(spans)
			spans[1] = changed{spans[1]}
		}
		errs = append(errs, to.ExportSpans(ctx, spans))
	}
	return errors.Join(errs...)
}

func (e *twice) Shutdown(ctx context.Context) error {
	var errs []error
	for _, to := range e.to {
		errs = append(errs, to.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// changed is a span with one attribute more.
type changed struct{ sdktrace.ReadOnlySpan }

// Attributes returns those of the span and one more.
func (c changed) Attributes() []attribute.KeyValue {
	return append(slices.Clone(c.ReadOnlySpan.Attributes()), attribute.Bool("changed", true))
}
