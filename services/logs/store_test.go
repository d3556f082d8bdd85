package logs

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/id"
	logsv1 "github.com/triflow/triflow/proto/gen/triflow/logs/v1"
	"github.com/triflow/triflow/services/logs/internal/drain"
)

func TestPebbleStoreKeepsTheContract(t *testing.T) {
	testStore(t, func(t *testing.T, dir string) store {
		s, err := openPebble(dir, vfs.Default)
		require.NoError(t, err)
		return s
	})
}

// testStore is the contract of every store; open opens the one that dir names, also a second time after Close.
func testStore(t *testing.T, open func(t *testing.T, dir string) store) {
	start := time.Unix(1_800_000_000, 0).UTC()
	trace := id.Trace{1}
	record := func(n int, service string, severity int32, tr id.Trace) Record {
		at := start.Add(time.Duration(n) * time.Second)
		log := &logsv1.LogRecord{
			Time: timestamppb.New(at), Service: service, SeverityNumber: severity,
			Body: fmt.Sprintf("Line %d of %s", n, service), TemplateId: drain.ID{byte(n % 2)}.String(),
		}
		if !tr.IsZero() {
			log.TraceId = tr.String()
		}
		return Record{Log: log, Time: at, Trace: tr, Template: drain.ID{byte(n % 2)}}
	}
	fill := func(t *testing.T, s store) {
		g := &Group{Marks: map[string]uint64{"a": 7}}
		for n := range 10 {
			service, tr := "cart", id.Trace{}
			if n%3 == 0 {
				service, tr = "cartography", trace
			}
			g.Records = append(g.Records, record(n, service, int32(n), tr))
		}
		require.NoError(t, s.Commit(g))
	}
	bodies := func(logs []*logsv1.LogRecord) (out []string) {
		for _, l := range logs {
			out = append(out, l.GetBody()[5:6])
		}
		return out
	}

	t.Run("every filter selects, newest first", func(t *testing.T) {
		s := open(t, t.TempDir())
		defer func() { require.NoError(t, s.Close()) }()
		fill(t, s)
		for _, c := range []struct {
			q    Query
			want []string
		}{
			{Query{}, []string{"9", "8", "7", "6", "5", "4", "3", "2", "1", "0"}},
			{Query{Service: "cart"}, []string{"8", "7", "5", "4", "2", "1"}},
			{Query{Service: "car"}, nil},
			{Query{Trace: trace}, []string{"9", "6", "3", "0"}},
			{Query{Trace: trace, Service: "cart"}, nil},
			{Query{Trace: id.Trace{2}}, nil},
			{Query{MinSeverity: 8}, []string{"9", "8"}},
			{Query{Service: "cart", MinSeverity: 6}, []string{"8", "7"}},
			{Query{Templates: []drain.ID{{1}}}, []string{"9", "7", "5", "3", "1"}},
			{Query{Service: "cart", Templates: []drain.ID{{0}, {9}}}, []string{"8", "4", "2"}},
			{Query{Contains: "line 4"}, []string{"4"}},
			{Query{Start: start.Add(2 * time.Second), End: start.Add(4 * time.Second)}, []string{"3", "2"}},
			{Query{Trace: trace, Start: start.Add(time.Second), End: start.Add(6 * time.Second)}, []string{"3"}},
			{Query{End: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Start: start.Add(9 * time.Second)}, []string{"9"}},
		} {
			c.q.Limit, c.q.Scan = 100, 1000
			found, err := s.Search(c.q)
			require.NoError(t, err)
			require.Equal(t, c.want, bodies(found.Logs), "%+v", c.q)
			require.Empty(t, found.Next)
		}
	})

	t.Run("pages join to the whole list, whatever page and scan are", func(t *testing.T) {
		s := open(t, t.TempDir())
		defer func() { require.NoError(t, s.Close()) }()
		fill(t, s)
		for limit := 1; limit < 5; limit++ {
			for scan := 1; scan < 6; scan++ {
				q, got := Query{Service: "cart", Templates: []drain.ID{{1}}, Limit: limit, Scan: scan}, []string(nil)
				for {
					found, err := s.Search(q)
					require.NoError(t, err)
					require.LessOrEqual(t, len(found.Logs), limit)
					got = append(got, bodies(found.Logs)...)
					if q.Cursor = found.Next; q.Cursor == "" {
						break
					}
				}
				require.Equal(t, []string{"7", "5", "1"}, got)
			}
		}
	})

	t.Run("all is there after it was opened again", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir)
		fill(t, s)
		m := drain.New("cart", drain.Limits{Templates: 3, Tokens: 20})
		for _, text := range []string{"disk low <&>", "other thing 5", "third é"} {
			m.Add(drain.Line{Text: text, Time: start, Severity: 17})
		}
		templates, _ := m.Changed()
		require.NoError(t, s.Commit(&Group{Templates: map[string][]drain.Template{"cart": templates}}))
		gone := templates[0].ID
		require.NoError(t, s.Commit(&Group{Removed: map[string][]drain.ID{"cart": {gone}}, Marks: map[string]uint64{"a": 8, "b": 1}}))
		records, bytes := s.Size()
		require.NoError(t, s.Close())

		s = open(t, dir)
		defer func() { require.NoError(t, s.Close()) }()
		state, err := s.Load()
		require.NoError(t, err)
		require.Equal(t, map[string]uint64{"a": 8, "b": 1}, state.Marks)
		require.Len(t, state.Templates["cart"], 2)
		for _, got := range state.Templates["cart"] {
			require.NotEqual(t, gone, got.ID)
			require.True(t, got.First.Equal(start))
			require.EqualValues(t, 17, got.Severity)
		}
		r, b := s.Size()
		require.Equal(t, []int64{records, bytes}, []int64{r, b})
		fill(t, s)
		found, err := s.Search(Query{Limit: 100, Scan: 100})
		require.NoError(t, err)
		require.Len(t, found.Logs, 20, "records of the same time do not replace each other")
	})

	t.Run("a template that goes and comes back in one group stays", func(t *testing.T) {
		s := open(t, t.TempDir())
		defer func() { require.NoError(t, s.Close()) }()
		tmpl := drain.Template{ID: drain.ID{1}, Tokens: []string{"x"}}
		require.NoError(t, s.Commit(&Group{
			Templates: map[string][]drain.Template{"cart": {tmpl}},
			Removed:   map[string][]drain.ID{"cart": {tmpl.ID}},
		}))
		state, err := s.Load()
		require.NoError(t, err)
		require.Len(t, state.Templates["cart"], 1)
	})

	t.Run("the sweep takes the oldest by age and by size, from every index", func(t *testing.T) {
		s := open(t, t.TempDir())
		defer func() { require.NoError(t, s.Close()) }()
		fill(t, s)
		n, err := s.Sweep(start.Add(4*time.Second), 1<<40, 3)
		require.NoError(t, err)
		require.Equal(t, 3, n, "the limit")
		n, err = s.Sweep(start.Add(4*time.Second), 1<<40, 100)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		records, bytes := s.Size()
		require.EqualValues(t, 6, records)
		n, err = s.Sweep(time.Time{}, bytes-1, 100)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		for _, q := range []Query{{}, {Service: "cart"}, {Trace: trace}} {
			q.Limit, q.Scan = 100, 100
			found, err := s.Search(q)
			require.NoError(t, err)
			require.NotEmpty(t, found.Logs)
			for _, l := range found.Logs {
				require.False(t, l.GetTime().AsTime().Before(start.Add(5*time.Second)))
			}
		}
		n, err = s.Sweep(time.Time{}, 0, 100)
		require.NoError(t, err)
		require.Equal(t, 5, n)
		records, bytes = s.Size()
		require.Zero(t, records)
		require.Zero(t, bytes)
	})

	t.Run("attributes come back as they were", func(t *testing.T) {
		s := open(t, t.TempDir())
		defer func() { require.NoError(t, s.Close()) }()
		r := record(1, "cart", 1, trace)
		r.Log.Attributes = append(r.Log.Attributes, &commonv1.KeyValue{Key: "k", Value: text("v")})
		require.NoError(t, s.Commit(&Group{Records: []Record{r}}))
		found, err := s.Search(Query{Limit: 1, Scan: 10})
		require.NoError(t, err)
		require.True(t, proto.Equal(r.Log, found.Logs[0]))
	})
}
