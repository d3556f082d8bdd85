package pipeline

import (
	"encoding/binary"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/expr"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// records makes one log record of those that are alike: of one resource and scope, in one window, and with the same
// value of an expression, or the same severity, event name, body and attributes.
type records struct {
	aggregation
	by    *expr.Program // nil is all that they say
	count string        // attribute that says how many records there were
}

// Attributes that an aggregate writes, as the log deduplication of the OpenTelemetry Collector does.
const (
	countKey = "log_count"
	firstKey = "first_observed_timestamp"
	lastKey  = "last_observed_timestamp"
)

// Fields of a LogRecord.
const (
	logTime       protowire.Number = 1
	logSeverity   protowire.Number = 2
	logText       protowire.Number = 3
	logBody       protowire.Number = 5
	logAttributes protowire.Number = 6
	logObserved   protowire.Number = 11
	logEvent      protowire.Number = 12
)

func (c *compiler) records(a aggregation, from *aggregateConfig, f *faults) operation {
	r := &records{aggregation: a, count: countKey}
	if from.Keep != nil || from.Drop != nil || from.Gauge != "" {
		f.add("keep, drop or gauge for logs, want by or none")
	}
	if from.By != nil {
		var err error
		if r.by, err = c.env.Value(otlp.SignalLogs, expr.Items, *from.By, nil); err != nil {
			f.at("by").add("%w", err)
		}
	}
	if from.Count != "" {
		r.count = from.Count
	}
	if len(r.count) > maxKey || !utf8.ValidString(r.count) || r.count == firstKey || r.count == lastKey {
		f.at("count").add("%q, want 1 to %d bytes of UTF-8 that are not %s or %s", r.count, maxKey, firstKey, lastKey)
	}
	return r
}

// recordPot is a record in the making.
type recordPot struct {
	place       int // among the items that stay
	count       int64
	first, last uint64 // ns since 1970
	more        bool
}

func (a *records) do(r *run, e *entry) outcome {
	if takes, otherwise := a.selected(r, e); !takes {
		return otherwise
	}
	if !r.pay(int64(len(e.Raw) / textPerStep)) {
		return over
	}
	at, count := a.read(e.Raw)
	key := r.begin(e)
	if a.window > 0 {
		key = binary.LittleEndian.AppendUint64(key, at/uint64(a.window))
	}
	key, outcome := a.appendKey(r, e, key)
	r.pots.key = key
	if outcome != joins {
		return outcome
	}
	i, there := r.pots.by[string(key)]
	if !there {
		r.pots.by[string(key)] = int32(len(r.pots.records))
		r.pots.records = append(r.pots.records, recordPot{place: r.place, count: count, first: at, last: at})
		return stays
	}
	pot := &r.pots.records[i]
	pot.count, pot.first, pot.last, pot.more = pot.count+count, min(pot.first, at), max(pot.last, at), true
	return joins
}

// appendKey writes what makes the record alike others; it is not joins where nothing does.
func (a *records) appendKey(r *run, e *entry, key []byte) ([]byte, outcome) {
	if a.by == nil {
		for c := record.Over(e.Raw); c.Next(); {
			switch c.Num {
			case logSeverity, logText, logBody, logAttributes, logEvent:
				key = append(key, c.Raw()...)
			}
		}
		return key, joins
	}
	r.bind(e)
	v, steps, err := a.by.Eval(&r.view)
	var encoded []byte
	if err == nil {
		encoded, err = expr.Encode(v)
	}
	switch ok := r.judge(steps+int64(len(encoded)/textPerStep), err); {
	case !ok:
		return key, over
	case err != nil:
		return key, stays
	}
	return append(key, encoded...), joins
}

// read gives when a record happened, or else when it was seen, and how many it stands for already.
func (a *records) read(raw []byte) (at uint64, count int64) {
	observed := uint64(0)
	count = 1
	for c := record.Over(raw); c.Next(); {
		switch {
		case c.Num == logTime && c.Type == protowire.Fixed64Type:
			at = c.Bits
		case c.Num == logObserved && c.Type == protowire.Fixed64Type:
			observed = c.Bits
		case c.Is(logAttributes):
			if name, value := record.Pair(c.Value); string(name) == a.count {
				count = countOf(value)
			}
		}
	}
	if at == 0 {
		at = observed
	}
	return at, count
}

// countOf reads a count that an aggregate has written; what is none is 1.
func countOf(value []byte) int64 {
	for c := record.Over(value); c.Next(); {
		if n := int64(c.Bits); c.Num == record.ValueInt && c.Type == protowire.VarintType && n > 0 && n < 1<<48 {
			return n
		}
	}
	return 1
}

func (a *records) close(r *run, kept []entry) {
	for i := range r.pots.records {
		pot := &r.pots.records[i]
		if !pot.more {
			continue
		}
		e := &kept[pot.place]
		s := record.Splice{Message: e.Raw}
		for c := record.Over(e.Raw); c.Next(); {
			if !c.Is(logAttributes) {
				continue
			}
			switch name, _ := record.Pair(c.Value); string(name) {
			case a.count, firstKey, lastKey:
				s.Remove(&c.Field)
			}
		}
		out := s.End()
		n := protowire.AppendVarint(protowire.AppendTag(nil, record.ValueInt, protowire.VarintType), uint64(pot.count))
		out = record.AppendBytes(out, logAttributes, record.AppendPair(nil, a.count, n))
		out = appendTime(appendTime(out, firstKey, pot.first), lastKey, pot.last)
		e.Raw, e.edited = out, true
	}
}

// appendTime appends an attribute with a time in RFC 3339; beyond what that can say, in ns since 1970.
func appendTime(dst []byte, key string, ns uint64) []byte {
	text := strconv.FormatUint(ns, 10)
	if int64(ns) >= 0 {
		text = time.Unix(0, int64(ns)).UTC().Format(time.RFC3339Nano)
	}
	return record.AppendBytes(dst, logAttributes, record.AppendPair(nil, key, record.AppendBytes(nil, record.ValueString, []byte(text))))
}
