package assembly

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"

	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// notes gives what is known of each span beside its bytes, in the order of the spans.
func (r *reading) notes() []*assemblyv1.SpanNote {
	p := r.pic
	all := make([]*assemblyv1.SpanNote, len(p.entries))
	for i, place := range p.tree.Places() {
		at := int32(i)
		e, received := &p.entries[i], p.sources[p.entries[i].part].received
		n := &assemblyv1.SpanNote{
			SpanId: e.id.String(), Service: p.service(at), Place: placeOfSpan(place),
			EventTime: instant(cmp.Or(e.start, e.end, uint64(received))), ReceiveTime: instant(uint64(received)),
			Duration: durationpb.New(length(p.tree.Duration(at))), QualityFlags: p.flags(at),
		}
		if up := p.tree.Parent[i]; up != tree.None {
			parent := uint32(up)
			n.Parent = &parent
		}
		all[i] = n
	}
	return all
}

// instant gives the time of Unix ns, nil for none.
func instant(ns uint64) *timestamppb.Timestamp {
	if ns == 0 {
		return nil
	}
	return timestamppb.New(unix(ns))
}

func placeOfSpan(p tree.Place) assemblyv1.SpanPlace {
	switch p {
	case tree.Child:
		return assemblyv1.SpanPlace_SPAN_PLACE_CHILD
	case tree.Root:
		return assemblyv1.SpanPlace_SPAN_PLACE_ROOT
	case tree.Lost:
		return assemblyv1.SpanPlace_SPAN_PLACE_ORPHAN
	case tree.Cut:
		return assemblyv1.SpanPlace_SPAN_PLACE_CYCLE_CUT
	}
	return assemblyv1.SpanPlace_SPAN_PLACE_UNSPECIFIED
}

// flags gives what is doubtful about the data of span i: first about its times, then what ingestion noted in it.
func (p *picture) flags(i int32) []string {
	var flags []string
	e := &p.entries[i]
	if e.start == 0 {
		flags = append(flags, "missing_start")
	}
	switch {
	case e.end == 0:
		flags = append(flags, "missing_end")
	case e.end < e.start:
		flags = append(flags, "end_before_start")
	}
	if noted := p.attrText(i, otlp.QualityKey); noted != "" {
		flags = append(flags, strings.Split(noted, ",")...)
	}
	return flags
}

// cycles gives the cycles by the ids of their spans.
func (r *reading) cycles() []*assemblyv1.Cycle {
	var all []*assemblyv1.Cycle
	for _, c := range r.pic.tree.Cycles {
		all = append(all, &assemblyv1.Cycle{SpanIds: r.pic.ids(c)})
	}
	return all
}

// ids of spans in hex.
func (p *picture) ids(of []int32) []string {
	var all []string
	for _, i := range of {
		all = append(all, p.entries[i].id.String())
	}
	return all
}

// missing gives the ids of the parents that never came.
func (r *reading) missing() []string {
	var all []string
	for _, m := range r.pic.tree.Missing() {
		all = append(all, m.String())
	}
	return all
}

// anomalies gives the patterns of wrong control flow: loops, then lost signals.
func (r *reading) anomalies() []*assemblyv1.ControlAnomaly {
	p := r.pic
	var all []*assemblyv1.ControlAnomaly
	for _, c := range p.tree.Cycles {
		who := fmt.Sprintf("%s %s", p.service(c[0]), p.operation(c[0]))
		detail := who + " is its own parent"
		if len(c) > 1 {
			detail = fmt.Sprintf("%s comes back to itself over %d spans", who, len(c))
		}
		all = append(all, &assemblyv1.ControlAnomaly{
			Pattern: assemblyv1.ControlPattern_CONTROL_PATTERN_LOOP, SpanIds: p.ids(c), Detail: detail,
		})
	}
	for _, f := range p.tree.Findings {
		if f.Kind == tree.Orphan {
			_, detail := p.explain(f)
			all = append(all, &assemblyv1.ControlAnomaly{
				Pattern: assemblyv1.ControlPattern_CONTROL_PATTERN_LOST_SIGNAL, SpanIds: p.ids([]int32{f.Span}), Detail: detail,
			})
		}
	}
	return all
}
