package ingestion

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/triflow/triflow/pkg/breaker"
	"github.com/triflow/triflow/pkg/otlp"
	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/witness"
)

// vouch gives a receipt that a collector signs with the key of a seed.
func vouch(t testing.TB, collector, seed string, number uint64, contents string) witness.Receipt {
	s, err := witness.NewSigner(collector, []byte(strings.Repeat(seed, 32)))
	require.NoError(t, err)
	b := witness.Batch{Stream: "default/cart/" + sdkStream, Sequence: number, Signal: handoffv1.Signal_SIGNAL_TRACES}
	r, _, err := witness.New(s, witness.Keyring{}, 1).Sign(time.Now(), b, sha256.Sum256([]byte(contents)))
	require.NoError(t, err)
	return r
}

func TestReceiptsThatProveNothingAreRefused(t *testing.T) {
	all := sites(t, "a", "b")
	forged, stranger := vouch(t, "b", "x", 1, "lie").Proto(), vouch(t, "stranger", "x", 1, "lie").Proto()
	many := make([]*ingestionv1.Receipt, 1001)
	for name, test := range map[string]struct {
		receipts []*ingestionv1.Receipt
		code     codes.Code
		text     string
	}{
		"forged":   {[]*ingestionv1.Receipt{forged}, codes.PermissionDenied, `receipts[0]: receipt of "b" for batch 1 of "default/cart/` + sdkStream + `": signature is not that of the collector`},
		"stranger": {[]*ingestionv1.Receipt{stranger}, codes.PermissionDenied, `receipts[0]: receipt of "stranger": collector is not known`},
		"too many": {many, codes.InvalidArgument, "receipts: 1001, want at most 1000"},
		"empty":    {many[:1], codes.InvalidArgument, "receipts[0]: collector: 0 bytes, want 1 to 128"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := all["a"].witness.Compare(t.Context(), &ingestionv1.CompareRequest{Receipts: test.receipts})
			require.Equal(t, test.code, status.Code(err))
			require.ErrorContains(t, err, test.text)
		})
	}
	found := all["a"].faults(t, byzantine)
	require.Len(t, found, 1, "a stranger is not worth a row")
	require.Equal(t, []string{"refused", "b"}, []string{found[0].GetKind(), found[0].GetSubject()})
	require.Contains(t, found[0].GetText(), "shown by 127.0.0.1")
	require.EqualValues(t, 2, all["a"].measured(t, "triflow.ingestion.witness.refused"))
	out, err := all["a"].witness.Compare(t.Context(), &ingestionv1.CompareRequest{})
	require.NoError(t, err)
	require.Empty(t, out.GetContradictions())
}

func TestACollectorWithoutPeersRefusesReceipts(t *testing.T) {
	r := start(t, small(), t.TempDir(), newSink())
	_, err := (&witnessServer{s: r.Service}).Compare(t.Context(), &ingestionv1.CompareRequest{})
	require.Equal(t, codes.PermissionDenied, status.Code(err))
}

func TestWhoShowsAReceiptIsToldWhatContradictsIt(t *testing.T) {
	all := sites(t, "a", "b")
	_, err := all["a"].call(t, request(t, numberedSpans(7, span(1))...))
	require.NoError(t, err)
	exchanged := func() bool { return all["a"].lateral(t, "collector", "collector/b") == 1 }
	require.Eventually(t, exchanged, 20*time.Second, 5*time.Millisecond)
	b := all["b"].notary
	b.sign(numbered{buffer: b.door.buffers.get(1), batch: witness.Batch{
		Stream: "default/unknown_service/" + sdkStream, Sequence: 7, Signal: handoffv1.Signal_SIGNAL_TRACES,
	}})
	require.Eventually(t, func() bool { return len(all["a"].faults(t, byzantine)) == 1 }, 20*time.Second, 5*time.Millisecond)
	require.Len(t, all["b"].faults(t, byzantine), 1)
}

// answers is a peer that gives a fixed answer.
type answers struct {
	out *ingestionv1.CompareResponse
	err error
}

func (a answers) Compare(context.Context, *ingestionv1.CompareRequest, ...grpc.CallOption) (*ingestionv1.CompareResponse, error) {
	return a.out, a.err
}

func TestAPeerThatRefusesOrLiesIsReported(t *testing.T) {
	lie := vouch(t, "b", "x", 1, "lie").Proto()
	for name, test := range map[string]struct {
		answer     answers
		class      ingestionv1.FaultClass
		kind, text string
		lost, left int
	}{
		"refuses": {answers{err: status.Error(codes.PermissionDenied, "not known")}, response, "refused", "not known", 1, 0},
		"is old":  {answers{err: status.Error(codes.Unimplemented, "unknown service")}, response, "refused", "unknown service", 1, 0},
		"is away": {answers{err: errors.New("no route")}, crash, "unreachable", "no route", 0, 1},
		"forges":  {answers{out: &ingestionv1.CompareResponse{Contradictions: []*ingestionv1.Receipt{lie}}}, response, "validation", "signature", 0, 0},
		"stutters": {
			answers{out: &ingestionv1.CompareResponse{Contradictions: []*ingestionv1.Receipt{lie, lie}}},
			response, "validation",
			"more receipts than it was shown", 0, 0,
		},
		"babbles": {answers{out: &ingestionv1.CompareResponse{Contradictions: make([]*ingestionv1.Receipt, 1)}}, response, "validation", "collector: 0 bytes", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := sites(t, "a", "b")["a"]
			p := s.notary.peers["b"]
			fake := &witnessPeer{of: s.notary, name: "b", client: test.answer, breaker: breaker.New(breaker.Settings{Failures: 1})}
			fake.add(vouch(t, "a", "a", 1, "x"))
			require.Equal(t, test.answer.err == nil, fake.show(t.Context()))
			found := s.faults(t, test.class)
			require.Len(t, found, 1)
			require.Equal(t, []string{test.kind, p.name}, []string{found[0].GetKind(), found[0].GetSubject()})
			require.Contains(t, found[0].GetText(), test.text)
			require.EqualValues(t, test.lost, fake.lost.Load())
			require.Len(t, fake.pending, test.left)
			require.False(t, fake.show(t.Context()), "there is nothing, or it is left alone for a while")
			require.Len(t, fake.pending, test.left)
		})
	}
}

func TestAPeerThatIsAwayForLongLosesTheOldestReceipts(t *testing.T) {
	p := &witnessPeer{}
	r := vouch(t, "a", "a", 1, "x")
	for n := range uint64(mostPending + 1) {
		r.Sequence = n
		p.add(r)
	}
	require.EqualValues(t, mostShown, p.lost.Load())
	require.Len(t, p.pending, mostPending-mostShown+1)
	some := p.next()
	require.Len(t, some, mostShown)
	require.EqualValues(t, mostShown, some[0].Sequence)
	for n := range uint64(mostShown) {
		r.Sequence = mostPending + 1 + n
		p.add(r)
	}
	p.back(some)
	require.Len(t, p.pending, mostPending)
	require.EqualValues(t, mostShown+1, p.lost.Load())
	require.EqualValues(t, mostShown+1, p.pending[0].Sequence, "the oldest went")
}

func TestThePauseOfAPeerDoublesUpToABound(t *testing.T) {
	require.Equal(t, firstPause/10, pauseAfter(1, 0), "never nothing")
	require.Equal(t, firstPause/2, pauseAfter(1, 0.5))
	require.Equal(t, 4*firstPause, pauseAfter(4, 0.5))
	require.Equal(t, longestPause/2, pauseAfter(1000, 0.5))
}

func TestRequestsThatAreNotExactlyOneBatchGetNoReceipt(t *testing.T) {
	cut := numberedSpans(1, span(1), span(2))[:1]
	joined := append(numberedSpans(1, span(1)), span(2))
	for name, test := range map[string]struct {
		body []byte
		want uint64
	}{
		"of no SDK of ours": {request(t, span(1)), 0},
		"cut up":            {request(t, cut...), 1},
		"joined":            {request(t, joined...), 1},
		"all refused":       {request(t, numberedSpans(1, span(0))...), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := sites(t, "a", "b")["a"]
			_, err := s.call(t, test.body)
			require.NoError(t, err)
			require.Equal(t, test.want, s.notary.passed.Load())
			require.Empty(t, s.notary.queue)
			require.Zero(t, s.notary.signed.Load())
		})
	}
}

func TestRequestsBeyondTheQueueGetNoReceiptAndTheirMemoryGoesBack(t *testing.T) {
	bufs := &buffers{limit: 1 << 20}
	n := &notary{queue: make(chan numbered, 2)}
	var r otlp.Request
	body := request(t, numberedSpans(1, span(1))...)
	require.NoError(t, r.Scan(otlp.SignalTraces, body, nil))
	offer := func(size int) *buffer {
		b := bufs.get(size)
		b.bytes = append(b.bytes, body...)
		n.offer("default", &r, b, otlpProtobuf)
		return b
	}
	require.EqualValues(t, 2, offer(1).refs.Load())
	require.EqualValues(t, 1, offer(mostQueuedBytes+1).refs.Load(), "the bytes are bounded")
	require.EqualValues(t, 2, offer(1).refs.Load())
	require.EqualValues(t, 1, offer(1).refs.Load(), "and so is the number")
	require.EqualValues(t, 2, n.dropped.Load())
	require.EqualValues(t, 2<<smallestBuffer, n.held.Load())
	n.offer("default", &r, bufs.get(1), otlpJSON)
	require.EqualValues(t, 1, n.passed.Load(), "JSON would be transcoded bytes, which are not what came")
}

func TestAStreamIsNamedByItsSender(t *testing.T) {
	for stream, want := range map[string][3]string{
		"acme/cart/" + sdkStream:      {"acme", "cart", sdkStream},
		"acme/shop/cart/" + sdkStream: {"acme", "shop/cart", sdkStream},
		"short":                       {"short", "", ""},
		"":                            {"", "", ""},
	} {
		tenant, service, id := senderOf(stream)
		require.Equal(t, want, [3]string{tenant, service, id}, stream)
	}
}

func BenchmarkOffer(b *testing.B) {
	var r otlp.Request
	spans := numberedSpans(1, span(1))
	body := request(b, spans...)
	require.NoError(b, r.Scan(otlp.SignalTraces, body, nil))
	buf := (&buffers{limit: 1 << 20}).get(len(body))
	for name, n := range map[string]*notary{"without peers": nil, "with peers": {queue: make(chan numbered, 1)}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n.offer("default", &r, buf, otlpProtobuf)
				if n != nil {
					q := <-n.queue
					q.buffer.release()
					n.held.Store(0)
				}
			}
		})
	}
}
