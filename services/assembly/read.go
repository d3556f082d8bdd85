package assembly

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
	"github.com/triflow/triflow/services/assembly/internal/critical"
	"github.com/triflow/triflow/services/assembly/internal/tree"
)

// reading is a trace as it is now.
type reading struct {
	row   *Row
	spans []Spans
	pic   *picture // of spans, in their order
}

// read gives a trace, be it stored, closed or open. What is stored comes first: late spans of it show when they are
// stored too. The error is ErrNotFound when there is nothing of it.
func (s *Service) read(t id.Trace) (*reading, error) {
	// In the order in which a trace moves on, so that it is not missed: open, waiting, stored.
	open, waiting := s.copyOpen(t), s.copyWaiting(t)
	row, spans, err := s.store.Trace(t)
	if errors.Is(err, ErrNotFound) && len(open)+len(waiting) > 0 {
		return readOpen(t, append(waiting, open...))
	}
	if err != nil {
		return nil, err
	}
	r := &reading{row: row, spans: spans}
	r.pic, err = openPicture(spans)
	return r, err
}

func readOpen(t id.Trace, spans []Spans) (*reading, error) {
	spans, pic, err := distinct(spans)
	if err != nil {
		return nil, err
	}
	return &reading{row: summarise(t, pic, assemblyv1.TracePhase_TRACE_PHASE_OPEN, nil), spans: spans, pic: pic}, nil
}

func (s *Service) copyOpen(t id.Trace) []Spans {
	shard := s.shardOf(&t)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if open := shard.open[t]; open != nil {
		return []Spans{open.copy()}
	}
	return nil
}

func (s *Service) copyWaiting(t id.Trace) (all []Spans) {
	s.waitingMu.Lock()
	defer s.waitingMu.Unlock()
	for _, w := range s.waiting {
		if w.id == t {
			all = append(all, w.copy())
		}
	}
	return all
}

// copy gives the spans of an open trace.
func (t *trace) copy() Spans {
	var sources []*source
	for _, p := range t.parts {
		sources = append(sources, &p.batch.source)
	}
	return write(new(otlp.Writer), sources, t.entries)
}

// openTraces counts the traces that are not decided.
func (s *Service) openTraces() int {
	s.waitingMu.Lock()
	n := len(s.waiting)
	s.waitingMu.Unlock()
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].open)
		s.shards[i].mu.Unlock()
	}
	return n
}

// resourceSpans decodes the spans of a reading. Requests one after the other are one request.
func (r *reading) resourceSpans() ([]*tracev1.ResourceSpans, error) {
	var all tracev1.TracesData
	for _, s := range r.spans {
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(s.Request, &all); err != nil {
			return nil, fmt.Errorf("decode trace %s: %w", r.row.Summary.GetTraceId(), err)
		}
	}
	return all.GetResourceSpans(), nil
}

// findings tells the faults of the trace's structure.
func (r *reading) findings() []*assemblyv1.Finding {
	var all []*assemblyv1.Finding
	for _, f := range r.pic.tree.Findings {
		kind, detail := r.pic.explain(f)
		all = append(all, &assemblyv1.Finding{Kind: kind, SpanId: r.pic.entries[f.Span].id.String(), Detail: detail})
	}
	return all
}

// explain says a finding in a sentence.
func (p *picture) explain(f tree.Finding) (assemblyv1.FindingKind, string) {
	e := &p.entries[f.Span]
	who := p.service(f.Span) + " " + p.operation(f.Span)
	switch f.Kind {
	case tree.Orphan:
		return assemblyv1.FindingKind_FINDING_KIND_ORPHAN, fmt.Sprintf("%s: its parent %s never came", who, e.parent)
	case tree.SeveralRoots:
		return assemblyv1.FindingKind_FINDING_KIND_SEVERAL_ROOTS,
			fmt.Sprintf("%s: a root besides %s", who, p.entries[f.Other].id)
	case tree.Cycle:
		return assemblyv1.FindingKind_FINDING_KIND_CYCLE,
			fmt.Sprintf("%s: in a cycle of %d, which is cut at %s", who, f.Size, p.entries[f.Other].id)
	case tree.StartsBeforeParent:
		return assemblyv1.FindingKind_FINDING_KIND_STARTS_BEFORE_PARENT, fmt.Sprintf("%s: starts %v before its parent %s", who,
			length(p.tree.Spans[f.Other].Start-p.tree.Spans[f.Span].Start), p.entries[f.Other].id)
	case tree.NoEnd:
		return assemblyv1.FindingKind_FINDING_KIND_MISSING_END, who + ": has no end time"
	case tree.NoStart:
		return assemblyv1.FindingKind_FINDING_KIND_MISSING_START, who + ": has no start time"
	}
	return assemblyv1.FindingKind_FINDING_KIND_NEGATIVE_DURATION,
		fmt.Sprintf("%s: ends %v before it starts", who, length(e.start-e.end))
}

// criticalPath answers for a reading.
func (r *reading) criticalPath() *assemblyv1.GetCriticalPathResponse {
	path := critical.Find(r.pic.tree)
	resp := &assemblyv1.GetCriticalPathResponse{Status: assemblyv1.CriticalPathStatus_CRITICAL_PATH_STATUS_COMPLETE}
	for _, s := range path.Segments {
		seg := &assemblyv1.Segment{StartTime: timestamppb.New(unix(s.Start)), Duration: durationpb.New(length(s.End - s.Start))}
		if s.Span != tree.None {
			seg.SpanId = r.pic.entries[s.Span].id.String()
			seg.Service, seg.Operation = r.pic.service(s.Span), r.pic.operation(s.Span)
		}
		resp.Segments = append(resp.Segments, seg)
	}
	type group struct{ service, operation string }
	of := func(i int32) group { return group{r.pic.service(i), r.pic.operation(i)} }
	for _, s := range critical.Shares(path, of) {
		resp.Shares = append(resp.Shares, &assemblyv1.PathShare{
			Service: s.Key.service, Operation: s.Key.operation, Duration: durationpb.New(time.Duration(s.Nanoseconds)), Share: s.Of,
		})
	}
	if reason := r.doubt(path); reason != "" {
		resp.Status, resp.Reason = assemblyv1.CriticalPathStatus_CRITICAL_PATH_STATUS_PARTIAL, reason
	}
	return resp
}
