package arrival_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"pgregory.net/rapid"

	handoffv1 "github.com/triflow/triflow/proto/gen/triflow/handoff/v1"
	"github.com/triflow/triflow/services/ingestion/internal/arrival"
)

func TestAFilterSelectsSenders(t *testing.T) {
	b := rows(10)
	in := batch(t, from("cart", span(start)), from("stock", span(start)))
	b.Record(start, in)
	in.Tenant = "acme"
	b.Record(start, in)
	for name, test := range map[string]struct {
		query arrival.Query
		want  int
	}{
		"all":     {arrival.Query{}, 4},
		"signal":  {arrival.Query{Signal: handoffv1.Signal_SIGNAL_TRACES}, 4},
		"other":   {arrival.Query{Signal: handoffv1.Signal_SIGNAL_LOGS}, 0},
		"tenant":  {arrival.Query{Tenant: "acme"}, 2},
		"service": {arrival.Query{Service: "cart"}, 2},
		"both":    {arrival.Query{Service: "cart", Tenant: "default"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			test.query.Limit = 100
			page, next, err := b.List(start, test.query)
			require.NoError(t, err)
			require.Empty(t, next)
			require.Len(t, page, test.want)
		})
	}
}

func TestWhoPagesSeesEverySenderOnceWhileAllOfThemSend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 20
		b := rows(n)
		send := func(i int, now time.Time) { b.Record(now, batch(t, from(label(i), span(start)))) }
		var want []string
		for i := range n {
			send(i, start)
			want = append([]string{label(i)}, want...)
		}
		q := arrival.Query{Limit: rapid.IntRange(1, n+1).Draw(t, "limit")}
		var got []string
		for {
			page, next, err := b.List(start, q)
			require.NoError(t, err)
			got = append(got, services(page)...)
			if q.Cursor = next; next == "" {
				break
			}
			for range rapid.IntRange(0, 5).Draw(t, "sends") {
				send(rapid.IntRange(0, 2*n).Draw(t, "service"), start)
			}
		}
		require.Equal(t, want, got)
	})
}

func TestACursorThatIsNotKnownIsAnError(t *testing.T) {
	b := rows(10)
	b.Record(start, batch(t, []*tracev1.ResourceSpans{from("a", span(start)), from("b", span(start))}...))
	_, old, err := b.List(start, arrival.Query{Limit: 1})
	require.NoError(t, err)
	for range 15 {
		_, _, err = b.List(start, arrival.Query{Limit: 1})
		require.NoError(t, err)
	}
	_, _, err = b.List(start, arrival.Query{Limit: 1, Cursor: old})
	require.NoError(t, err)
	_, _, err = b.List(start, arrival.Query{Limit: 1})
	require.NoError(t, err)
	for _, cursor := range []string{old, "x", "-1.0", "0.0", "99.1", "17.2", "17.-1"} {
		_, _, err = b.List(start, arrival.Query{Limit: 1, Cursor: cursor})
		require.ErrorIs(t, err, arrival.ErrCursor, cursor)
	}
}
