package arrival_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/triflow/triflow/pkg/otlp"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

func TestLagIsFromTheEventToItsArrival(t *testing.T) {
	for name, test := range map[string]struct {
		lags     []time.Duration
		p50, p99 time.Duration
		ahead    uint64
	}{
		"one item":         {[]time.Duration{time.Second}, time.Second, time.Second, 0},
		"two items":        {[]time.Duration{time.Second, 3 * time.Second}, time.Second, 3 * time.Second, 0},
		"the mean of many": {[]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, 2 * time.Second, 3 * time.Second, 0},
		"from the future":  {[]time.Duration{-time.Hour}, 0, 0, 1},
		"partly ahead":     {[]time.Duration{-time.Hour, time.Second}, 0, time.Second, 1},
		"since long":       {[]time.Duration{48 * time.Hour}, 1 << 45, 1 << 45, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := rows(10)
			var spans []*tracev1.Span
			for _, lag := range test.lags {
				spans = append(spans, span(start.Add(-lag)))
			}
			b.Record(start, batch(t, from("cart", spans...)))
			lag := only(t, b, start).GetLag()
			require.EqualValues(t, len(test.lags), lag.GetItems())
			near := func(want, got time.Duration) {
				require.InDelta(t, want, got, float64(want)/16+float64(200*time.Microsecond))
			}
			near(test.p50, lag.GetP50().AsDuration())
			near(test.p99, lag.GetP99().AsDuration())
			require.Equal(t, test.ahead, b.Figures(start)[0].Ahead)
			require.Nil(t, only(t, b, start.Add(3*time.Minute)).GetLag(), "it was long ago")
		})
	}
}

func TestAFigureThatNothingIsKnownOfIsAbsent(t *testing.T) {
	b := rows(10)
	b.Record(start, batch(t, from("cart", span(start))))
	q := only(t, b, start).GetQuality()
	require.Nil(t, q.Completeness)
	require.NotNil(t, q.Accuracy)
	require.Nil(t, q.TimelinessSeconds)
	require.Nil(t, q.Consistency)
}

func TestAccuracyCountsImpossibleItems(t *testing.T) {
	b := rows(10)
	backwards := span(start)
	backwards.StartTimeUnixNano = backwards.GetEndTimeUnixNano() + 1
	require.Empty(t, b.Record(start, batch(t, from("cart", backwards, span(start), span(start), &tracev1.Span{SpanId: []byte("01234567"), TraceId: []byte("0123456789abcdef")}))))
	s := only(t, b, start)
	require.EqualValues(t, 4, s.GetAccepted())
	require.InDelta(t, 0.5, s.GetQuality().GetAccuracy(), 1e-9)
}

func TestTimelinessEndsWhereItemsAreDone(t *testing.T) {
	b := rows(10)
	b.Done(handoffv1.Signal_SIGNAL_LOGS, time.Hour)
	b.Done(handoffv1.Signal_SIGNAL_TRACES, time.Second)
	b.Done(handoffv1.Signal_SIGNAL_TRACES, 9*time.Second)
	b.Record(start, batch(t, from("cart", span(start.Add(-10*time.Second)))))
	require.InEpsilon(t, 10.+2, only(t, b, start).GetQuality().GetTimelinessSeconds(), 1./16)
}

func TestNumbersTellCompletenessAndConsistency(t *testing.T) {
	b := rows(10)
	require.Empty(t, kinds(t, b, start, numbered(1, 4)))
	require.Empty(t, kinds(t, b, start, numbered(7, 4)), "5 and 6 may still come")
	require.Equal(t, []string{"duplicate 4"}, kinds(t, b, start, numbered(7, 4)))
	require.Equal(t, []string{"reordering 1"}, kinds(t, b, start, numbered(6, 1)))
	require.Empty(t, b.Expire(start.Add(time.Second)))

	found := b.Expire(start.Add(time.Minute))
	require.Len(t, found, 1)
	require.Equal(t, `stream "0123456789abcdef": 1 spans are missing, from 10.0.0.1`, found[0].Text)
	q := only(t, b, start).GetQuality()
	require.InDelta(t, 9./10, q.GetCompleteness(), 1e-9)
	require.InDelta(t, 3./4, q.GetConsistency(), 1e-9)
	require.Equal(t, sequence.Totals{Findings: sequence.Findings{Received: 9, Duplicate: 4, Reordered: 1, Gap: 1}, Streams: 1}, b.Streams())
}

func TestAStreamThatJumpsIsAGapOfUnknownSize(t *testing.T) {
	b := rows(10)
	require.Empty(t, kinds(t, b, start, numbered(1, 4)))
	require.Empty(t, kinds(t, b, start, numbered(1<<40, 4)), "not believed at once")
	require.Equal(t, []string{"gap 0"}, kinds(t, b, start, numbered(1<<40+4, 4)))
}

func TestASenderThatChangesItsAddressKeepsItsStream(t *testing.T) {
	b := rows(10)
	in := batch(t, numbered(1, 4))
	b.Record(start, in)
	in.Address, in.Request = "10.0.0.2", request(t, numbered(5, 4))
	require.Empty(t, b.Record(start, in))
	in.Request = request(t, numbered(10, 1))
	b.Record(start, in)
	b.Expire(start.Add(time.Hour))
	all := senders(t, b, start)
	require.InDelta(t, 5./6, all[0].GetQuality().GetCompleteness(), 1e-9, "it sent last")
	require.InDelta(t, 1, all[1].GetQuality().GetCompleteness(), 1e-9)
}

func TestABatchThatACollectorContradictsIsNotConsistent(t *testing.T) {
	b := rows(10)
	for i := range int64(4) {
		b.Record(start, batch(t, numbered(1+4*i, 4)))
	}
	b.Contradicted("default", "cart", stream)
	b.Contradicted("other", "cart", stream)
	b.Contradicted("default", "cart", "short")
	require.InDelta(t, 3./4, only(t, b, start).GetQuality().GetConsistency(), 1e-9)
}

func TestAStreamOfAnotherTenantIsAnother(t *testing.T) {
	b := rows(10)
	in := batch(t, numbered(1, 4))
	b.Record(start, in)
	in.Tenant = "other"
	require.Empty(t, b.Record(start, in))
	require.Equal(t, 2, b.Streams().Streams)
}

func TestAStreamWhoseIDIsNoneIsNotFollowed(t *testing.T) {
	b := rows(10)
	in := batch(t, from("cart", span(start)))
	in.Request.Sources()[0].Sequences = []otlp.Sequence{{Stream: []byte("short"), First: 1, Count: 1}}
	b.Record(start, in)
	require.Zero(t, b.Streams().Streams)
	require.Nil(t, only(t, b, start).GetQuality().Consistency)
}

func TestFiguresAreMergedOverTheRowsOfAService(t *testing.T) {
	b := rows(10)
	in := batch(t, from("cart", span(start.Add(-time.Second))), from("stock", span(start)))
	b.Record(start, in)
	in.Address, in.Request = "10.0.0.2", request(t, from("cart", span(start.Add(-time.Second)), &tracev1.Span{}))
	b.Record(start, in)

	all := b.Figures(start)
	require.Len(t, all, 2)
	cart := all[0]
	require.Equal(t, "cart", cart.Service)
	require.Equal(t, []uint64{2, 3, 2}, []uint64{cart.Batches, cart.Items, cart.Accepted})
	require.EqualValues(t, 2, cart.Lag.GetItems())
	require.InDelta(t, 2./3, cart.Quality.GetAccuracy(), 1e-9)
	require.Equal(t, "stock", all[1].Service)
	require.Empty(t, arrival.NewBook(arrival.DefaultLimits()).Figures(start))
}
