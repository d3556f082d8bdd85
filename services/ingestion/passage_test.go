package ingestion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/triflow/triflow/pkg/handoff"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/pkg/wal"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline"
)

// lines is a request with log records of these bodies.
func lines(t require.TestingT, bodies ...string) []byte {
	var records []*logsv1.LogRecord
	for _, b := range bodies {
		records = append(records, &logsv1.LogRecord{Body: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: b}}, TimeUnixNano: 1})
	}
	p, err := proto.Marshal(&logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: records}}}}})
	require.NoError(t, err)
	return p
}

// journal is a log with a mark, and one destination that follows it through pipelines, step by step.
type journal struct {
	account *account
	passage *passage
	tracker handoff.Tracker

	batches  []handoff.Batch // all there are, by position from 1
	at       uint64          // position that was handed on last
	current  []handoff.Batch // that were not taken at the last push
	released uint64
	skipped  bool

	outcome error           // of the next push to the destination
	under   []handoff.Batch // that it has and are not done
	took    int             // items that are done there
	passed  int             // items that pipelines saw
}

// Push is that of the destination.
func (j *journal) Push(_ context.Context, b handoff.Batch) error {
	if j.outcome == nil {
		j.under = append(j.under, b)
	}
	return j.outcome
}

func (j *journal) Released() uint64 { return j.released }

func (j *journal) Release(position uint64) error {
	j.released = max(j.released, min(position, uint64(len(j.batches))))
	return nil
}

func (j *journal) total(position uint64) uint64 {
	if position == 0 {
		return 0
	}
	return j.batches[position-1].TotalItems
}

func (j *journal) stats() wal.MarkStats {
	m := wal.MarkStats{Released: j.released, ReleasedTotal: j.total(j.released)}
	m.Weight = j.total(uint64(len(j.batches))) - m.ReleasedTotal
	return m
}

func (j *journal) append(t *rapid.T) {
	bodies := rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "z", "card 4111"}), 1, 5).Draw(t, "records")
	position := uint64(len(j.batches) + 1)
	j.batches = append(j.batches, handoff.Batch{
		Position: position, TotalItems: j.total(position-1) + uint64(len(bodies)), Items: len(bodies), Payload: lines(t, bodies...),
		ReceiveTime: time.Unix(int64(position), 0), Done: func() { j.tracker.Done(position) },
	})
}

// push hands on what was not taken, or the next requests together.
func (j *journal) push(t *rapid.T) {
	for n := rapid.IntRange(1, 3).Draw(t, "requests"); len(j.current) == 0 || n > len(j.current) && j.passage.position != j.current[len(j.current)-1].Position; {
		if j.at == uint64(len(j.batches)) {
			break
		}
		b := j.batches[j.at]
		j.at++
		j.tracker.Begin(b.Position)
		if rapid.IntRange(0, 9).Draw(t, "damaged") == 0 { // a pump passes it over
			b.Done()
			continue
		}
		j.account.begin(b)
		j.current = append(j.current, b)
		j.passed += b.Items
	}
	if len(j.current) == 0 {
		return
	}
	err := j.passage.push(context.Background(), j.current, j)
	if handoff.IsFinal(err) {
		for _, b := range j.current {
			j.account.refuse(b.Position)
			b.Done()
		}
	}
	if err == nil || handoff.IsFinal(err) {
		j.current = nil
	}
}

func (j *journal) finish(i int) {
	b := j.under[i]
	j.under = slices.Delete(j.under, i, i+1)
	j.took += b.Items
	b.Done()
}

// skip passes over what is there up to a position, as a link does that is too far behind.
func (j *journal) skip(t *rapid.T, position uint64) {
	_, err := j.account.skip(position)
	require.NoError(t, err)
	if position > j.at {
		j.at = position
	}
	j.skipped = true
}

// conserved holds that each item of the log is somewhere, once.
func conserved(t require.TestingT, d *ingestionv1.Destination, accepted uint64) {
	require.Equal(t, accepted, d.GetDone()+d.GetBehindItems())
	require.Equal(t, d.GetDone()-d.GetDoneBefore()+d.GetCopied(), d.GetDelivered()+d.GetFiltered()+d.GetAggregated()+d.GetElsewhere()+d.GetDropped(), d)
}

const journalPipelines = `
pipelines:
  - name: a
    signal: logs
    match: 'item.body != "z" || %[1]v'
    limits: {max_steps: %[2]d}
    stages:
      - filter: {drop: 'item.body == "x" && %[3]v'}
      - aggregate: {when: '%[4]v'}
      - route: {when: 'item.body == "y"', to: [service, mirror, 'pipeline:b']}
      - mask: {patterns: ['\d+']}
      - route: {when: '%[5]v', to: [mirror]}
  - {name: b, signal: logs, match: 'false', stages: [{route: {to: [%[6]s]}}]}
`

func TestWhatIsAcceptedIsDeliveredOrAccountedForWhateverFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		yes := func() bool { return rapid.Bool().Draw(t, "yes") }
		text := fmt.Sprintf(journalPipelines, yes(), rapid.SampledFrom([]int{10, 50, 1e6}).Draw(t, "steps"), yes(), yes(), yes(),
			rapid.SampledFrom([]string{"service", "mirror", "service, mirror"}).Draw(t, "to"))
		j := &journal{}
		set, err := pipeline.Load([]byte(text), []string{"mirror"})
		require.NoError(t, err)
		j.account = newAccount(j, j.stats)
		j.passage = &passage{
			signal: otlp.SignalLogs, set: set, to: rapid.SampledFrom([]string{"service", "mirror"}).Draw(t, "destination"),
			most: otlp.Bounds{Items: rapid.IntRange(0, 3).Draw(t, "most")}, account: j.account, now: func() time.Time { return time.Time{} },
		}
		final := false
		told := func() *ingestionv1.Destination {
			d := &ingestionv1.Destination{}
			j.account.destination(d, 0)
			return d
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": j.append,
			"push": func(t *rapid.T) {
				j.outcome = rapid.SampledFrom([]error{nil, nil, nil, errors.New("busy"), handoff.Final(errors.New("bad"))}).Draw(t, "outcome")
				final = final || handoff.IsFinal(j.outcome)
				j.push(t)
			},
			"finish": func(t *rapid.T) {
				if len(j.under) > 0 {
					j.finish(rapid.IntRange(0, len(j.under)-1).Draw(t, "which"))
				}
			},
			"release": func(t *rapid.T) { require.NoError(t, j.account.Release(j.tracker.Position())) },
			"skip": func(t *rapid.T) {
				if position := rapid.Uint64Range(j.released, j.at).Draw(t, "position"); rapid.IntRange(0, 9).Draw(t, "skip") == 0 {
					j.skip(t, position)
				}
			},
			"": func(t *rapid.T) { conserved(t, told(), j.total(uint64(len(j.batches)))) },
		})
		for j.outcome = nil; len(j.current) > 0 || j.at < uint64(len(j.batches)); {
			j.push(t)
		}
		for len(j.under) > 0 {
			j.finish(0)
		}
		require.NoError(t, j.account.Release(j.tracker.Position()))
		d := told()
		conserved(t, d, j.total(uint64(len(j.batches))))
		require.Zero(t, d.GetBehindItems())
		require.EqualValues(t, j.passed, set.Received(otlp.SignalLogs), "each item once, however often it was pushed")
		if !j.skipped && !final {
			require.EqualValues(t, j.took, d.GetDelivered())
		}
	})
}

func TestWhatABackendRefusedIsNotDeliveredAndWhatItTookStaysSo(t *testing.T) {
	j := &journal{}
	a := newAccount(j, j.stats)
	for i := range uint64(2) {
		j.batches = append(j.batches, handoff.Batch{Position: i + 1, TotalItems: 10 * (i + 1), Items: 10})
		a.begin(j.batches[i])
		a.note(i+1, pipeline.Fates{Led: 10})
	}
	told := func(refused uint64) [3]uint64 {
		d := &ingestionv1.Destination{}
		a.destination(d, refused)
		conserved(t, d, 20)
		return [3]uint64{d.GetDelivered(), d.GetDropped(), d.GetBehindItems()}
	}
	require.NoError(t, a.Release(1))
	require.Equal(t, [3]uint64{7, 3, 10}, told(3))
	require.Equal(t, [3]uint64{7, 3, 10}, told(5), "the rest is of what is not done yet")
	require.NoError(t, a.Release(2))
	require.Equal(t, [3]uint64{15, 5, 0}, told(5))
}
