package record

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/triflow/triflow/pkg/otlp"
)

// Numbers of the fields that make the tree; they are the same in all signals.
const (
	fieldSelf     = 1 // the resource of its group, the scope of its group
	fieldChildren = 2 // scope groups in a resource group; spans, records or metrics in a scope group
	fieldTop      = 1 // resource groups in a request
	fieldPoints   = 1 // points in the data of a metric
)

// Levels of groups.
const (
	Resources = 0
	Scopes    = 1
	Metrics   = 2
)

// Group is a resource, a scope or a metric with all that belongs to it.
type Group struct {
	// Parent is the index of the group above, on the level above.
	Parent int32
	// Self is the Resource or InstrumentationScope message; nil where it is absent, and for a metric.
	Self []byte
	// Rest has the other fields of the group with their tags: its schema URL, the name and unit of a metric, and
	// what this version of OTLP does not know.
	Rest []byte
	// Kind is the number of the field of a metric that holds its points, and Data what is there beside them.
	Kind protowire.Number
	Data []byte
}

// Item is a span, a log record or a point.
type Item struct {
	// Group is the index of its scope, or of its metric.
	Group int32
	// Raw is the message.
	Raw []byte
}

// Batch is a request that was taken apart. The zero value is ready for Parse.
type Batch struct {
	Signal otlp.Signal
	// Levels has the resources, the scopes and, of metrics, the metrics.
	Levels [3][]Group
	// Items are in the order of the request.
	Items []Item
	// Rest has the fields of the request that are not known.
	Rest []byte
}

// Depth is the number of levels of groups that the signal has.
func (b *Batch) Depth() int {
	if b.Signal == otlp.SignalMetrics {
		return 3
	}
	return 2
}

// Ancestor is the index of the group of an item on a level.
func (b *Batch) Ancestor(it Item, level int) int32 {
	g := it.Group
	for l := b.Depth() - 1; l > level; l-- {
		g = b.Levels[l][g].Parent
	}
	return g
}

// Kind is the number of the field that holds the point in its metric; 0 of other signals.
func (b *Batch) Kind(it Item) protowire.Number {
	if b.Signal != otlp.SignalMetrics {
		return 0
	}
	return b.Levels[Metrics][it.Group].Kind
}

// Parse takes a request apart; it keeps the memory of b. b must not change while its parts are used. The error wraps
// ErrMalformed.
func (b *Batch) Parse(s otlp.Signal, payload []byte) error {
	for l := range b.Levels {
		b.Levels[l] = b.Levels[l][:0]
	}
	b.Signal, b.Items, b.Rest = s, b.Items[:0], nil
	rest := run{b: payload}
	c := Over(payload)
	for c.Next() {
		if !c.Is(fieldTop) {
			rest.add(&c.Field)
			continue
		}
		if err := b.group(Resources, 0, c.Value); err != nil {
			return err
		}
	}
	b.Rest = rest.bytes()
	return c.Err()
}

// group takes a group of resources or scopes apart.
func (b *Batch) group(level int, parent int32, msg []byte) error {
	at := int32(len(b.Levels[level]))
	b.Levels[level] = append(b.Levels[level], Group{Parent: parent})
	rest := run{b: msg}
	c := Over(msg)
	for c.Next() {
		var err error
		switch {
		case c.Is(fieldSelf):
			if b.Levels[level][at].Self != nil {
				return fmt.Errorf("%w: a resource or scope is given twice, want at most once", ErrMalformed)
			}
			b.Levels[level][at].Self = c.Value
		case c.Is(fieldChildren) && level == Resources:
			err = b.group(Scopes, at, c.Value)
		case c.Is(fieldChildren) && b.Signal == otlp.SignalMetrics:
			err = b.metric(at, c.Value)
		case c.Is(fieldChildren):
			b.Items = append(b.Items, Item{Group: at, Raw: c.Value})
		default:
			rest.add(&c.Field)
		}
		if err != nil {
			return err
		}
	}
	b.Levels[level][at].Rest = rest.bytes()
	return c.Err()
}

// metric takes a metric apart. One with several kinds of data, of which a reader sees the last, becomes several.
func (b *Batch) metric(parent int32, msg []byte) error {
	first := len(b.Levels[Metrics])
	rest := run{b: msg}
	c := Over(msg)
	for c.Next() {
		if PointShape(c.Num) == nil || c.Type != protowire.BytesType {
			rest.add(&c.Field)
			continue
		}
		at := int32(len(b.Levels[Metrics]))
		data := run{b: c.Value}
		d := Over(c.Value)
		for d.Next() {
			if d.Is(fieldPoints) {
				b.Items = append(b.Items, Item{Group: at, Raw: d.Value})
			} else {
				data.add(&d.Field)
			}
		}
		if d.Err() != nil {
			return d.Err()
		}
		b.Levels[Metrics] = append(b.Levels[Metrics], Group{Parent: parent, Kind: c.Num, Data: data.bytes()})
	}
	for i := first; i < len(b.Levels[Metrics]); i++ {
		b.Levels[Metrics][i].Rest = rest.bytes()
	}
	return c.Err()
}

// run gathers fields of one message. As long as they are neighbours it is a part of the message.
type run struct {
	b          []byte
	start, end int
	own        []byte // once they are not
}

func (r *run) add(f *Field) {
	switch {
	case r.own != nil:
		r.own = append(r.own, r.b[f.Start:f.End]...)
	case r.end == 0:
		r.start, r.end = f.Start, f.End
	case r.end == f.Start:
		r.end = f.End
	default:
		r.own = append(append(r.own, r.b[r.start:r.end]...), r.b[f.Start:f.End]...)
	}
}

func (r *run) bytes() []byte {
	if r.own != nil {
		return r.own
	}
	return r.b[r.start:r.end:r.end]
}
