package assembly

import (
	"context"
	"errors"
	"fmt"
	"slices"

	assemblyv1 "github.com/triflow/triflow/proto/gen/triflow/assembly/v1"
	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// maxGrowth is how many times MaxTraceSpans a stored trace may grow to. Every late fragment costs a reading of the
// whole, so that without a bound one endless trace would take all memory.
const maxGrowth = 4

// judge works out what a decision makes of a trace's spans, and adds what must be stored to c.
func (s *Service) judge(r ruling, c *Commit) (outcome, error) {
	o := outcome{parts: r.trace.parts, duplicates: r.trace.duplicates}
	if r.decision.GetVerdict() == samplingv1.Verdict_VERDICT_KEEP {
		return o, s.keep(r, &o, c)
	}
	late, err := s.store.Dropped(r.trace.id, c.Time)
	if err != nil {
		return o, err
	}
	o.dropped, o.reason, o.newDropped = uint64(len(r.trace.entries)), reasonSampledOut, !late
	if late {
		o.reason = reasonLateSampledOut
		if r.trace.failed {
			s.metrics.conflicts.Add(context.Background(), 1)
		}
	}
	c.Dropped = append(c.Dropped, r.trace.id)
	return o, nil
}

// keep adds the fragment to c that r makes, without the spans that are stored already.
func (s *Service) keep(r ruling, o *outcome, c *Commit) error {
	t := r.trace
	s.lay(t)
	whole, fresh := &s.settler.pic, t.entries
	phase := assemblyv1.TracePhase_TRACE_PHASE_SETTLED
	row, err := s.store.Row(t.id)
	switch {
	case errors.Is(err, ErrNotFound):
		o.newKept = true
	case err != nil:
		return err
	case int(row.Summary.GetSpanCount()) > maxGrowth*s.cfg.MaxTraceSpans:
		o.dropped, o.reason = uint64(len(t.entries)), reasonTooLarge
		return nil
	default:
		phase = assemblyv1.TracePhase_TRACE_PHASE_AMENDED
		if whole, fresh, err = s.merge(t); err != nil {
			return err
		}
	}
	o.kept = uint64(len(fresh))
	o.duplicates += uint64(len(t.entries) - len(fresh))
	if len(fresh) == 0 {
		return nil
	}
	spans := write(&s.settler.out, s.settler.sources, fresh)
	spans.Request = slices.Clone(spans.Request)
	c.Fragments = append(c.Fragments, Fragment{Trace: t.id, Row: summarise(t.id, whole, phase, r.decision), Spans: spans})
	return nil
}

// merge gives the picture of a stored trace with a late fragment, and what is new in that.
func (s *Service) merge(t *trace) (*picture, []entry, error) {
	_, stored, err := s.store.Trace(t.id)
	if err != nil {
		return nil, nil, err
	}
	whole, err := openPicture(stored)
	if err != nil {
		return nil, nil, fmt.Errorf("read stored trace %s: %w", t.id, err)
	}
	there := whole.names()
	all, sources := slices.Clone(whole.entries), whole.sources
	var fresh []entry
	for i, e := range t.entries {
		if _, ok := there[s.settler.pic.name(int32(i))]; ok {
			continue
		}
		fresh = append(fresh, e)
		e.part += int32(len(sources))
		all = append(all, e)
	}
	whole.lay(slices.Concat(sources, s.settler.sources), all)
	return whole, fresh, nil
}
