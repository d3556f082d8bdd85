package degrade

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/triflow/triflow/sdk/pressure"
)

// Flags is a set of details to leave out. The zero value leaves out none.
type Flags uint32

// The flags, in the order in which pressure raises them.
const (
	Values Flags = 1 << iota
	Events
	Links
)

const (
	all      = Values | Events | Links
	maxLevel = 3
)

// DefaultMaxString is the longest string that Values leaves alone, unless an option says otherwise.
const DefaultMaxString = 1024 // bytes

// minString keeps the attributes of the processor's sequence, and ids, whole.
const minString = 64 // bytes

// Option changes what an exporter leaves out.
type Option func(*Exporter)

// WithKeys names the attributes that become their size however short they are. No key is named without it.
func WithKeys(keys ...attribute.Key) Option {
	return func(e *Exporter) {
		for _, k := range keys {
			e.keys[k] = true
		}
	}
}

// WithMaxString sets the longest string that Values leaves alone.
func WithMaxString(bytes int) Option { return func(e *Exporter) { e.maxString = bytes } }

// Exporter is a trace.SpanExporter. Create it with New. Many goroutines may use it.
type Exporter struct {
	next      sdktrace.SpanExporter
	keys      map[attribute.Key]bool // not written after New
	maxString int                    // bytes

	set      atomic.Uint32 // the flags that were Set
	level    atomic.Int32  // 0 to maxLevel; written in steps only, which never overlap
	follower atomic.Pointer[pressure.Follower]
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// New returns an exporter that hands on to next. It reports every argument that is out of range.
func New(next sdktrace.SpanExporter, opts ...Option) (*Exporter, error) {
	e := &Exporter{next: next, keys: map[attribute.Key]bool{}, maxString: DefaultMaxString}
	for _, set := range opts {
		set(e)
	}
	var faults []error
	if next == nil {
		faults = append(faults, errors.New("exporter: nil, want one"))
	}
	if e.maxString < minString {
		faults = append(faults, fmt.Errorf("max string: %d bytes, want at least %d", e.maxString, minString))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return e, nil
}

// Set leaves out what the flags say from the next export on, whatever the pressure, until it is called again.
func (e *Exporter) Set(f Flags) { e.set.Store(uint32(f & all)) }

// Follow lets the level go with the pressure of source, such as Processor.Pressure, in place of any it followed before. It
// steps at most once per interval. The source must not block.
func (e *Exporter) Follow(source func() pressure.Reading, interval time.Duration) {
	e.follower.Store(pressure.Follow(source, interval, time.Now))
}

// Flags returns those in force.
func (e *Exporter) Flags() Flags {
	ofLevel := Flags(1)<<e.level.Load() - 1 // one more flag per level
	return Flags(e.set.Load()) | ofLevel
}

func (e *Exporter) step(v pressure.Verdict) {
	switch v {
	case pressure.GiveWay:
		e.level.Store(min(e.level.Load()+1, maxLevel))
	case pressure.Recover:
		e.level.Store(max(e.level.Load()-1, 0))
	}
}

// ExportSpans hands the spans on without what the flags in force leave out. It does not change the spans, nor the slice.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if f := e.follower.Load(); f != nil {
		f.Step(e.step)
	}
	flags := e.Flags()
	if flags == 0 {
		return e.next.ExportSpans(ctx, spans)
	}
	less := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		less[i] = e.degrade(s, flags)
	}
	return e.next.ExportSpans(ctx, less)
}

// Shutdown shuts the exporter behind it down.
func (e *Exporter) Shutdown(ctx context.Context) error { return e.next.Shutdown(ctx) }
