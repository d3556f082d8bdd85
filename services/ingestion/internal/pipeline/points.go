package pipeline

import (
	"bytes"
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/services/ingestion/internal/pipeline/point"
	"github.com/triflow/triflow/services/ingestion/internal/pipeline/record"
)

// points takes attributes off points and makes one of those that are alike then: of one metric, with the same attributes
// and time.
type points struct {
	aggregation
	keys
	keep  bool // the keys, else they are taken off
	gauge point.How
}

func (c *compiler) points(a aggregation, from *aggregateConfig, f *faults) operation {
	p := &points{aggregation: a}
	if from.By != nil || from.Count != "" {
		f.add("by or count for metrics, want keep or drop")
	}
	switch {
	case from.Keep != nil && from.Drop == nil:
		p.keep, p.keys = true, newKeys(from.Keep, f.at("keep"))
	case from.Drop != nil && from.Keep == nil:
		p.keys = newKeys(from.Drop, f.at("drop"))
	default:
		f.add("keep and drop, or neither, want one of them")
	}
	ways := []string{point.Last: "last", point.Min: "min", point.Max: "max", point.Mean: "mean", point.Sum: "sum"}
	how := slices.Index(ways, from.Gauge)
	if p.gauge = point.How(how); from.Gauge == "" {
		p.gauge = point.Last
	} else if how < 0 {
		f.at("gauge").add("%q, want last, min, max, mean or sum", from.Gauge)
	}
	return p
}

// pointPot is a point in the making.
type pointPot struct {
	place int    // among the items that stay
	first []byte // as it was
	sum   point.Pot
	fits  bool // others can be added
	more  bool // others were added
}

// fieldTemporality is where sums and histograms have it.
const fieldTemporality protowire.Number = 2

// Temporalities.
const (
	delta      = 1
	cumulative = 2
)

// temporality reads that of a metric; a gauge has none.
func temporality(g *record.Group) (n uint64) {
	for c := record.Over(g.Data); c.Next(); {
		if c.Num == fieldTemporality && c.Type == protowire.VarintType {
			n = c.Bits
		}
	}
	return n
}

func (p *points) do(r *run, e *entry) outcome {
	if takes, otherwise := p.selected(r, e); !takes {
		return otherwise
	}
	g := &r.batch.Levels[record.Metrics][e.Group]
	how, starts := p.gauge, false
	if g.Kind != record.Gauge {
		t := temporality(g)
		if how, starts = point.Sum, t == delta; t != delta && t != cumulative {
			return stays
		}
	}
	if !point.Takes(g.Kind) {
		return stays
	}
	if !r.pay(int64(len(e.Raw) / textPerStep)) {
		return over
	}
	raw, changed := p.strip(r, e)
	key := r.begin(e)
	start, time := point.Times(e.Raw)
	if starts {
		key = binary.LittleEndian.AppendUint64(key, start)
	}
	key = r.pots.appendPairs(binary.LittleEndian.AppendUint64(key, time))
	r.pots.key = key
	at, there := r.pots.by[string(key)]
	if !there {
		r.pots.by[string(key)] = int32(len(r.pots.points))
		r.pots.points = append(r.pots.points, pointPot{place: r.place, first: e.Raw})
		e.Raw, e.edited = raw, e.edited || changed
		return stays
	}
	pot := &r.pots.points[at]
	if !pot.more && !pot.fits {
		pot.fits = pot.sum.Reset(g.Kind, how, pot.first)
	}
	if !pot.fits || !pot.sum.Add(e.Raw) {
		return stays // with its attributes, for without them it could not be told from the other
	}
	pot.more = true
	return joins
}

// strip gives a point without the attributes that are to go, and notes those that stay.
func (p *points) strip(r *run, e *entry) (raw []byte, changed bool) {
	num := r.batch.Shape(e.Item).Attributes
	r.pots.pairs = r.pots.pairs[:0]
	s := record.Splice{Message: e.Raw}
	for c := record.Over(e.Raw); c.Next(); {
		if !c.Is(num) {
			continue
		}
		if name, _ := record.Pair(c.Value); p.covers(name) == p.keep {
			r.pots.pairs = append(r.pots.pairs, c.Value)
		} else {
			s.Remove(&c.Field)
		}
	}
	return s.Result()
}

// appendPairs writes the attributes that stay, in whatever order they came.
func (p *pots) appendPairs(key []byte) []byte {
	slices.SortFunc(p.pairs, bytes.Compare)
	for _, kv := range p.pairs {
		key = append(binary.AppendUvarint(key, uint64(len(kv))), kv...)
	}
	return key
}

func (p *points) close(r *run, kept []entry) {
	for i := range r.pots.points {
		pot := &r.pots.points[i]
		if !pot.more {
			continue
		}
		e := &kept[pot.place]
		num := r.batch.Shape(e.Item).Attributes
		out := make([]byte, 0, len(e.Raw)+16)
		for c := record.Over(e.Raw); c.Next(); {
			if c.Is(num) {
				out = append(out, c.Raw()...)
			}
		}
		e.Raw, e.edited = pot.sum.Append(out), true
	}
}
