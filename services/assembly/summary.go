package assembly

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// summarise makes the row of a trace in a phase; d is the decision on it, nil while it is open.
func summarise(t id.Trace, p *picture, phase assemblyv1.TracePhase, d *samplingv1.Decision) *Row {
	first, _ := p.first()
	missing := missingSpans(p.tree)
	s := &assemblyv1.TraceSummary{
		TraceId:       t.String(),
		RootService:   p.service(first),
		RootOperation: p.operation(first),
		StartTime:     timestamppb.New(p.start()),
		Duration:      durationpb.New(length(p.tree.End - p.tree.Start)),
		SpanCount:     uint32(len(p.entries)),
		Services:      slices.Clone(p.services),
		State:         assemblyv1.TraceState_TRACE_STATE_OPEN,
		Phase:         phase,

		MissingSpanCount: uint32(missing),
		Completeness:     float64(len(p.entries)) / float64(len(p.entries)+missing),
	}
	for i := range p.entries {
		if p.entries[i].failed() {
			s.ErrorCount++
		}
	}
	if i := p.deepestFailure(); i != tree.None {
		s.Error = p.service(i) + ": " + p.failure(i)
	}
	if d != nil {
		s.Policy, s.AdjustedCount = d.GetPolicy(), d.GetAdjustedCount()
		s.State, s.IncompleteReason = completeness(p.tree)
	}
	row := &Row{Summary: s}
	row.Groups, row.More = p.groups()
	return row
}

// failure says what went wrong in span i: its status message, else its name.
func (p *picture) failure(i int32) string {
	v := p.view(i)
	return cmp.Or(v.StatusMessage(&otlp.Span{Raw: p.entries[i].raw}), p.operation(i))
}

// start of the trace: its earliest time, or when its first span was received where no span has a time.
func (p *picture) start() time.Time {
	if p.tree.Start != 0 {
		return unix(p.tree.Start)
	}
	first := int64(0)
	for i := range p.entries {
		if at := p.sources[p.entries[i].part].received; first == 0 || at != 0 && at < first {
			first = at
		}
	}
	return time.Unix(0, first)
}

// missingSpans counts the spans that must exist and have not come, at least.
func missingSpans(t *tree.Tree) int {
	if n := len(t.Missing()); n > 0 || len(t.Roots) > 0 {
		return n
	}
	return 1 // the root; above, one of the missing parents may be it
}

// completeness tells what is missing in a decided trace.
func completeness(t *tree.Tree) (assemblyv1.TraceState, string) {
	var missing []string
	if len(t.Roots) == 0 {
		missing = append(missing, "no root span came")
	}
	orphans := 0
	for _, f := range t.Findings {
		if f.Kind == tree.Orphan {
			orphans++
		}
	}
	switch {
	case orphans == 1:
		missing = append(missing, "the parent of 1 span never came")
	case orphans > 1:
		missing = append(missing, fmt.Sprintf("the parents of %d spans never came", orphans))
	}
	if len(missing) == 0 {
		return assemblyv1.TraceState_TRACE_STATE_COMPLETE, ""
	}
	return assemblyv1.TraceState_TRACE_STATE_INCOMPLETE, strings.Join(missing, "; ")
}

// groups gives the distinct pairs of service and operation, at most maxGroups, and whether there are more.
func (p *picture) groups() (groups []Group, more bool) {
	for i := range p.entries {
		at := int32(i)
		groups = append(groups, Group{p.service(at), p.operation(at), p.entries[i].failed()})
	}
	// A failed one sorts before those like it that did not fail, and stands for all of them.
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Operation, b.Operation), flag(b.Failed)-flag(a.Failed))
	})
	groups = slices.CompactFunc(groups, func(a, b Group) bool { return a.Service == b.Service && a.Operation == b.Operation })
	if len(groups) > maxGroups {
		return slices.Clip(groups[:maxGroups]), true
	}
	return groups, false
}

// statusFits tells whether a trace in which something failed or not passes a filter.
func statusFits(f assemblyv1.StatusFilter, failed bool) bool {
	switch f {
	case assemblyv1.StatusFilter_STATUS_FILTER_ERROR:
		return failed
	case assemblyv1.StatusFilter_STATUS_FILTER_OK:
		return !failed
	}
	return true
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unix gives the time of Unix nanoseconds.
func unix(ns uint64) time.Time { return time.Unix(0, int64(ns)) }

// length gives the duration of nanoseconds that may be anything.
func length(ns uint64) time.Duration { return time.Duration(min(ns, math.MaxInt64)) }
