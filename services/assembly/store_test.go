package assembly

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/s2"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/id"
)

func TestPebbleIsAStore(t *testing.T) {
	contract(t, func() (Store, func() Store) {
		disk := vfs.NewMem()
		open := func() Store {
			s, err := openPebble(disk, "traces")
			require.NoError(t, err)
			return s
		}
		return open(), open
	})
}

// contract is what every body of Store does. fresh makes an empty one, and a function that opens it again once closed.
func contract(t *testing.T, fresh func() (Store, func() Store)) {
	for name, test := range map[string]func(*testing.T, Store, func() Store){
		"accounts survive":                   accountsSurvive,
		"a trace grows by fragments":         tracesGrow,
		"drops are remembered for an hour":   dropsAreRemembered,
		"searches filter":                    searchesFilter,
		"pages are stable while traces come": pagesAreStable,
		"what is old or too much goes":       oldTracesGo,
		"a closed store gives errors":        closedStoresRefuse,
	} {
		t.Run(name, func(t *testing.T) {
			s, again := fresh()
			test(t, s, again)
		})
	}
}

// fragment makes one of spans that were built with span.
func fragment(t require.TestingT, trace uint64, request []byte, whole ...[]byte) Fragment {
	spans := []Spans{{Request: request, Arrivals: []Arrival{{1, t0().UnixNano()}}}}
	for _, w := range whole {
		spans = append(spans, Spans{Request: w})
	}
	p, err := openPicture(spans)
	require.NoError(t, err)
	return Fragment{
		Trace: traceOf(trace), Spans: spans[0],
		Row: summarise(traceOf(trace), p, assemblyv1.TracePhase_TRACE_PHASE_SETTLED, &samplingv1.Decision{Policy: "all", AdjustedCount: 1}),
	}
}

// put stores a trace of one span of a service, that starts and lasts so many ms.
func put(t require.TestingT, s Store, trace uint64, service, operation string, start, lasts int) {
	spans := payload(t, from(service, with(span(trace, 1, 0, operation, serving, start, start+lasts), text("user", fmt.Sprint(trace)))))
	require.NoError(t, s.Commit(&Commit{Time: t0(), Fragments: []Fragment{fragment(t, trace, spans)}}))
}

func accountsSurvive(t *testing.T, s Store, again func() Store) {
	totals := Totals{Kept: 1, Duplicates: 2, TracesKept: 3, TracesDropped: 4, Dropped: map[string]uint64{"sampled_out": 5}}
	mark := func(sender string, position, trace uint64) Marker {
		return Marker{Sender: sender, Position: position, Trace: traceOf(trace), Spans: position}
	}
	require.NoError(t, s.Commit(&Commit{
		Time: t0(), Totals: totals, Senders: []Account{{"a", 3, 30}, {"b", 1, 10}},
		Markers: []Marker{mark("a", 4, 1), mark("a", 7, 1), mark("b", 2, 2), mark("b", 2, 3)},
	}))
	require.NoError(t, s.Commit(&Commit{Time: t0(), Totals: totals, Senders: []Account{{"a", 4, 34}}}))
	require.NoError(t, s.Close())
	s = again()
	defer s.Close()
	rec, err := s.Recover()
	require.NoError(t, err)
	require.Equal(t, Recovered{
		Totals: totals, Senders: []Account{{"a", 4, 34}, {"b", 1, 10}}, Markers: []Marker{mark("a", 7, 1), mark("b", 2, 2), mark("b", 2, 3)},
	}, rec)
}

func tracesGrow(t *testing.T, s Store, again func() Store) {
	_, _, err := s.Trace(traceOf(1))
	require.ErrorIs(t, err, ErrNotFound)
	late := payload(t, from("cart", span(1, 2, 1, "late", serving, 50, 60)))
	early := payload(t, from("front", span(1, 1, 0, "GET", serving, 10, 90)))
	require.NoError(t, s.Commit(&Commit{Time: t0(), Fragments: []Fragment{fragment(t, 1, late)}}))
	require.NoError(t, s.Commit(&Commit{Time: t0(), Fragments: []Fragment{fragment(t, 1, early, late)}}))
	require.NoError(t, s.Close())
	s = again()
	defer s.Close()
	row, spans, err := s.Trace(traceOf(1))
	require.NoError(t, err)
	arrivals := []Arrival{{1, t0().UnixNano()}}
	require.Equal(t, []Spans{{late, arrivals}, {early, arrivals}}, spans)
	require.Equal(t, "front", row.Summary.GetRootService())
	for _, service := range []string{"front", "cart", ""} {
		found, err := s.Search(Query{Service: service, Limit: 10})
		require.NoError(t, err)
		require.Len(t, found.Rows, 1, "listed once, where it now starts")
		require.True(t, proto.Equal(row.Summary, found.Rows[0].Summary))
	}
}

func dropsAreRemembered(t *testing.T, s Store, _ func() Store) {
	defer s.Close()
	require.NoError(t, s.Commit(&Commit{Time: t0(), Dropped: []id.Trace{traceOf(1)}}))
	for d, want := range map[time.Duration]bool{0: true, time.Hour: true} {
		got, err := s.Dropped(traceOf(1), t0().Add(d))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NoError(t, s.Commit(&Commit{Time: t0().Add(5 * time.Hour)}))
	got, err := s.Dropped(traceOf(1), t0())
	require.NoError(t, err)
	require.False(t, got)
}

func searchesFilter(t *testing.T, s Store, _ func() Store) {
	defer s.Close()
	put(t, s, 1, "front", "GET", 0, 10)
	put(t, s, 2, "front", "POST", 1000, 20)
	put(t, s, 3, "cart", "get", 2000, 30)
	bad := payload(t, from("cart", failing(span(4, 1, 0, "get", serving, 3000, 3040), "no")), from("front", span(4, 2, 1, "GET", serving, 3001, 3002)))
	require.NoError(t, s.Commit(&Commit{Time: t0(), Fragments: []Fragment{fragment(t, 4, bad)}}))
	const ok, failed = assemblyv1.StatusFilter_STATUS_FILTER_OK, assemblyv1.StatusFilter_STATUS_FILTER_ERROR
	for _, c := range []struct {
		name string
		q    Query
		want []uint64
	}{
		{"all", Query{}, []uint64{4, 3, 2, 1}},
		{"service", Query{Service: "front"}, []uint64{4, 2, 1}},
		{"no such service", Query{Service: "fron"}, nil},
		{"operation", Query{Operation: "get"}, []uint64{4, 3}},
		{"operation of a service", Query{Service: "front", Operation: "get"}, nil},
		{"at least", Query{MinDuration: 20 * time.Millisecond}, []uint64{4, 3, 2}},
		{"at most", Query{MaxDuration: 20 * time.Millisecond}, []uint64{2, 1}},
		{"failed", Query{Status: failed}, []uint64{4}},
		{"failed in a service", Query{Service: "front", Status: failed}, nil},
		{"not failed in a service", Query{Service: "front", Status: ok}, []uint64{4, 2, 1}},
		{"not failed", Query{Status: ok}, []uint64{3, 2, 1}},
		{"from, included", Query{From: t0().Add(time.Second)}, []uint64{4, 3, 2}},
		{"until, excluded", Query{Until: t0().Add(2 * time.Second)}, []uint64{2, 1}},
		{"attribute of a span", Query{Attributes: []Attribute{{"user", "2"}}}, []uint64{2}},
		{"attribute of a resource", Query{Attributes: []Attribute{{"service.name", "cart"}}}, []uint64{4, 3}},
		{"attributes must all be there", Query{Attributes: []Attribute{{"service.name", "cart"}, {"user", "2"}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Limit = 10
			page, err := s.Search(c.q)
			require.NoError(t, err)
			require.Empty(t, page.Cursor)
			require.Equal(t, c.want, tracesOf(page))
		})
	}
}

func tracesOf(p Page) []uint64 {
	var ns []uint64
	for _, r := range p.Rows {
		t, err := id.ParseTrace(r.Summary.GetTraceId())
		if err == nil {
			ns = append(ns, uint64(t[15])|uint64(t[14])<<8)
		}
	}
	return ns
}

func pagesAreStable(t *testing.T, s Store, _ func() Store) {
	defer s.Close()
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.StringMatching(`[a-z]{6}`).Draw(t, "service")
		n := rapid.IntRange(0, 12).Draw(t, "traces")
		for i := range n {
			put(t, s, uint64(i+1)|rapid.Uint64Range(1, 1<<40).Draw(t, "run")<<16, service, "op", rapid.IntRange(0, 5).Draw(t, "start"), 1)
		}
		q := Query{Service: service, Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		var seen []uint64
		for {
			page, err := s.Search(q)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Rows), q.Limit)
			seen = append(seen, tracesOf(page)...)
			if q.Cursor = page.Cursor; q.Cursor == "" {
				break
			}
			put(t, s, 9999|rapid.Uint64Range(1, 1<<40).Draw(t, "run")<<16, service, "op", 1000, 1)
		}
		slices.Sort(seen)
		var want []uint64
		for i := range n {
			want = append(want, uint64(i+1))
		}
		require.Equal(t, want, seen)
	})
}

func oldTracesGo(t *testing.T, s Store, _ func() Store) {
	defer s.Close()
	for i := range 10 {
		put(t, s, uint64(i+1), "front", "GET", i*1000, 10)
	}
	n, err := s.Retain(t0().Add(4*time.Second), 1<<40)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	page, err := s.Search(Query{Service: "front", Limit: 20})
	require.NoError(t, err)
	require.Equal(t, []uint64{10, 9, 8, 7, 6, 5}, tracesOf(page))
	_, _, err = s.Trace(traceOf(1))
	require.ErrorIs(t, err, ErrNotFound)
	n, err = s.Retain(t0(), 0)
	require.NoError(t, err)
	require.Equal(t, 6, n)
	n, err = s.Retain(t0().Add(time.Hour), 0)
	require.NoError(t, err)
	require.Zero(t, n)
}

func closedStoresRefuse(t *testing.T, s Store, _ func() Store) {
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Error(t, s.Commit(&Commit{}))
	_, _, err := s.Trace(traceOf(1))
	require.Error(t, err)
	_, err = s.Search(Query{Limit: 1})
	require.Error(t, err)
}

func TestRowsSurviveTheirEncodingAndNothingElseDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := &Row{Summary: &assemblyv1.TraceSummary{TraceId: rapid.String().Draw(t, "id")}, More: rapid.Bool().Draw(t, "more")}
		for range rapid.IntRange(0, 5).Draw(t, "groups") {
			row.Groups = append(row.Groups, Group{rapid.String().Draw(t, "s"), rapid.String().Draw(t, "o"), rapid.Bool().Draw(t, "f")})
		}
		b, err := appendRow(nil, row)
		require.NoError(t, err)
		got, err := parseRow(b)
		require.NoError(t, err)
		require.True(t, proto.Equal(row.Summary, got.Summary))
		require.Equal(t, row.Groups, got.Groups)
		require.Equal(t, row.More, got.More)
		_, err = parseRow(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")])
		require.Error(t, err)
	})
}

func TestFragmentsSurviveTheirEncodingAndOnesWithoutArrivalsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := Spans{Request: rapid.SliceOf(rapid.Byte()).Draw(t, "request")}
		for range rapid.IntRange(0, 4).Draw(t, "arrivals") {
			spans.Arrivals = append(spans.Arrivals, Arrival{rapid.Uint64().Draw(t, "spans"), rapid.Int64().Draw(t, "time")})
		}
		b := appendFragment(nil, &spans)
		got, err := parseFragment(b)
		require.NoError(t, err)
		require.Equal(t, spans.Arrivals, got.Arrivals)
		require.Equal(t, string(spans.Request), string(got.Request))
		_, err = parseFragment(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")])
		require.Error(t, err)
		got, err = parseFragment(append([]byte{fragmentUntimed}, s2.Encode(nil, spans.Request)...))
		require.NoError(t, err)
		require.Empty(t, got.Arrivals)
		require.Equal(t, string(spans.Request), string(got.Request))
	})
}
