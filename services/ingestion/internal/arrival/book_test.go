package arrival_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/otlp"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
)

func TestARowSaysWhoSends(t *testing.T) {
	b := rows(10)
	r := from("cart", span(start), span(start))
	r.Resource.Attributes = append(r.Resource.Attributes, text("telemetry.sdk.language", "go"),
		text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.47.0"))
	in := arrival.Batch{Tenant: "acme", Address: "10.0.0.1", Credential: "1a2b3c4d", Request: request(t, r, r)}
	require.Empty(t, b.Record(start, in))
	require.Empty(t, b.Record(start.Add(time.Minute), in))
	require.Empty(t, b.Record(start.Add(time.Second), in), "the clock was set back")

	s := only(t, b, start)
	require.Equal(t, handoffv1.Signal_SIGNAL_TRACES, s.GetSignal())
	require.Equal(t, []string{"acme", "cart", "go opentelemetry 1.47.0", "10.0.0.1", "1a2b3c4d"},
		[]string{s.GetTenant(), s.GetService(), s.GetSdk(), s.GetAddress(), s.GetCredential()})
	require.True(t, s.GetFirstTime().AsTime().Equal(start))
	require.True(t, s.GetLastTime().AsTime().Equal(start.Add(time.Minute)))
	require.EqualValues(t, 3, s.GetBatches(), "two sources in one request are one batch of the sender")
	require.EqualValues(t, 12, s.GetAccepted())
	require.Empty(t, s.GetRefused())
	require.Nil(t, s.GetSample())
}

func TestSendersAreToldApart(t *testing.T) {
	attribute := func(key, value string) func(*arrival.Batch) {
		return func(b *arrival.Batch) {
			r := from("cart", span(start))
			r.Resource.Attributes = append(r.Resource.Attributes, text(key, value))
			b.Request = request(t, r)
		}
	}
	for name, change := range map[string]func(*arrival.Batch){
		"tenant":     func(b *arrival.Batch) { b.Tenant = "other" },
		"address":    func(b *arrival.Batch) { b.Address = "10.0.0.2" },
		"credential": func(b *arrival.Batch) { b.Credential = "1" },
		"joint":      func(b *arrival.Batch) { b.Tenant, b.Address = "default1", "0.0.0.1" },
		"service":    func(b *arrival.Batch) { b.Request = request(t, from("stock", span(start))) },
		"language":   attribute("telemetry.sdk.language", "go"),
		"sdk":        attribute("telemetry.sdk.name", "go"),
		"version":    attribute("telemetry.sdk.version", "go"),
	} {
		t.Run(name, func(t *testing.T) {
			b := rows(10)
			in := batch(t, from("cart", span(start)))
			b.Record(start, in)
			change(&in)
			b.Record(start, in)
			require.Len(t, senders(t, b, start), 2)
		})
	}
}

func TestWhoDoesNotSayItsServiceIsUnknown(t *testing.T) {
	b := rows(10)
	b.Record(start, batch(t, &tracev1.ResourceSpans{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{span(start)}}}}))
	b.Record(start, batch(t, from("unknown_service", span(start))))
	b.Record(start, batch(t, from("empty")))
	require.Equal(t, "unknown_service", only(t, b, start).GetService())
}

func TestALongNameIsCutBetweenCharacters(t *testing.T) {
	b := rows(10)
	b.Record(start, batch(t, from(strings.Repeat("é", 127)+"aé and more", span(start))))
	b.Record(start, batch(t, from(strings.Repeat("é", 127)+"aé or less", span(start))))
	require.Equal(t, strings.Repeat("é", 127)+"a", only(t, b, start).GetService())
}

func TestTheSenderThatWasSilentForLongestIsForgotten(t *testing.T) {
	b := rows(2)
	for i, service := range []string{"a", "b", "a", "c"} {
		b.Record(start.Add(time.Duration(i)*time.Second), batch(t, from(service, span(start))))
	}
	require.Equal(t, []string{"c", "a"}, services(senders(t, b, start)))
	require.EqualValues(t, 1, b.Forgotten())
}

func TestWhatIsRefusedIsCountedShownAndFound(t *testing.T) {
	b := rows(10)
	bad := &tracev1.Span{TraceId: []byte("short"), SpanId: []byte("01234567")}
	worse := &tracev1.Span{TraceId: []byte("0123456789abcdef")}
	in := batch(t, from("cart", span(start), bad, worse, bad), from("stock", span(start)))
	in.Item = func(r otlp.Refusal) string { return r.Fault.String() + strings.Repeat("x", 5000) }
	found := b.Record(start, in)

	const path = "resource_spans[0].scope_spans[0].spans[2].span_id"
	all := senders(t, b, start)
	require.Equal(t, []string{"stock", "cart"}, services(all))
	require.Empty(t, all[0].GetRefused())
	cart := all[1]
	require.EqualValues(t, 1, cart.GetAccepted())
	require.Len(t, cart.GetRefused(), 2)
	require.Equal(t, "span_id", cart.GetRefused()[0].GetReason())
	require.EqualValues(t, 1, cart.GetRefused()[0].GetItems())
	require.Equal(t, "trace_id", cart.GetRefused()[1].GetReason())
	require.EqualValues(t, 2, cart.GetRefused()[1].GetItems())
	require.Equal(t, []string{"span_id", path, "missing, want 8 bytes"},
		[]string{cart.GetSample().GetReason(), cart.GetSample().GetPath(), cart.GetSample().GetText()})
	require.Len(t, cart.GetSample().GetItem(), 4096)
	require.InDelta(t, 0.25, cart.GetQuality().GetAccuracy(), 1e-9)

	require.Len(t, found, 2)
	require.Equal(t, fault.Finding{
		Class: ingestionv1.FaultClass_FAULT_CLASS_RESPONSE, Kind: fault.Validation, Subject: "default/cart",
		Signal: handoffv1.Signal_SIGNAL_TRACES, Items: 1, Text: path + ": missing, want 8 bytes, from 10.0.0.1",
	}, found[1])
}

func TestOfManyFaultySourcesTheRestIsOnlyCounted(t *testing.T) {
	b := rows(100)
	var sources []*tracev1.ResourceSpans
	for i := range 50 {
		sources = append(sources, from(label(i), span(start), &tracev1.Span{TraceId: []byte("short"), SpanId: []byte("01234567")}))
	}
	require.Len(t, b.Record(start, batch(t, sources...)), 50)
	shown := 0
	for _, s := range senders(t, b, start) {
		require.Len(t, s.GetRefused(), 1)
		require.Equal(t, "trace_id", s.GetRefused()[0].GetReason())
		if s.GetSample() != nil {
			shown++
		}
	}
	require.Equal(t, 4, shown)
}

func TestARequestThatIsRefusedSaysNothingOfLagsAndStreams(t *testing.T) {
	b := rows(10)
	in := batch(t, numbered(1, 5))
	in.Refused = "rate"
	require.Empty(t, b.Record(start, in))
	in.Refused = ""
	require.Empty(t, b.Record(start, in), "it came again, and is no duplicate")

	s := only(t, b, start)
	require.EqualValues(t, 5, s.GetAccepted())
	require.Equal(t, "rate", s.GetRefused()[0].GetReason())
	require.EqualValues(t, 5, s.GetRefused()[0].GetItems())
	require.EqualValues(t, 5, s.GetLag().GetItems())
	require.InDelta(t, 1, s.GetQuality().GetAccuracy(), 0, "the items themselves are good")
}

func TestEveryItemIsAcceptedOrRefusedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rows(100)
		var good, bad uint64
		for range rapid.IntRange(1, 5).Draw(t, "batches") {
			var sources []*tracev1.ResourceSpans
			for range rapid.IntRange(0, 8).Draw(t, "sources") {
				r := from(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "service"))
				for range rapid.IntRange(0, 5).Draw(t, "spans") {
					s := span(start)
					if rapid.Bool().Draw(t, "bad") {
						s.SpanId = nil
						bad++
					} else {
						good++
					}
					r.ScopeSpans[0].Spans = append(r.ScopeSpans[0].Spans, s)
				}
				sources = append(sources, r)
			}
			b.Record(start, batch(t, sources...))
		}
		var accepted, refused uint64
		for _, s := range senders(t, b, start) {
			accepted += s.GetAccepted()
			for _, r := range s.GetRefused() {
				refused += r.GetItems()
			}
		}
		require.Equal(t, good, accepted)
		require.Equal(t, bad, refused)
	})
}

func TestManyMayRecordAndReadAtOnce(t *testing.T) {
	b := rows(20)
	const workers, batches = 8, 100
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			in := batch(t, from(label(w), span(start)), from("shared", span(start)))
			for range batches {
				b.Record(start, in)
				b.Done(handoffv1.Signal_SIGNAL_TRACES, time.Second)
			}
			b.Figures(start)
			b.Expire(start)
			_, _, err := b.List(start, arrival.Query{Limit: 3})
			require.NoError(t, err)
		})
	}
	wg.Wait()
	for _, s := range senders(t, b, start) {
		want := uint64(batches)
		if s.GetService() == "shared" {
			want *= workers
		}
		require.Equal(t, want, s.GetAccepted())
	}
}

// manySources gives a request as a collector before us sends it.
func manySources(t require.TestingT, n int) arrival.Batch {
	var sources []*tracev1.ResourceSpans
	for i := range n {
		r := from(label(i), span(start), span(start), span(start))
		r.Resource = &resourcev1.Resource{Attributes: append([]*commonv1.KeyValue{
			text("telemetry.sdk.language", "go"), text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.47.0"),
		}, r.GetResource().GetAttributes()...)}
		sources = append(sources, r)
	}
	return batch(t, sources...)
}

func TestAKnownSenderCostsNoMemory(t *testing.T) {
	b := rows(1000)
	in := manySources(t, 100)
	in.Request.Sources()[0].Sequences = []otlp.Sequence{{Stream: []byte(stream), First: 1, Count: 3}}
	b.Record(start, in)
	first := uint64(1)
	require.Zero(t, testing.AllocsPerRun(50, func() {
		first += 3
		in.Request.Sources()[0].Sequences[0].First = first
		b.Record(start, in)
	}))
}

func BenchmarkRecord(b *testing.B) {
	book := rows(5000)
	in := manySources(b, 1000)
	book.Record(start, in)
	b.ReportAllocs()
	for b.Loop() {
		book.Record(start, in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/source")
}

func BenchmarkFigures(b *testing.B) {
	book := rows(5000)
	book.Record(start, manySources(b, 5000))
	b.ReportAllocs()
	for b.Loop() {
		book.Figures(start)
	}
}
