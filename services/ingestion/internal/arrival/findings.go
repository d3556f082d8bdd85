package arrival

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/triflow/triflow/pkg/otlp"
	ingestionv1 "github.com/triflow/triflow/proto/gen/triflow/ingestion/v1"
	"github.com/triflow/triflow/services/ingestion/internal/fault"
	"github.com/triflow/triflow/services/ingestion/internal/sequence"
)

// refusal is items that are refused for one reason, and what a sample is made of.
type refusal struct {
	reason, path, text, item string
	items                    int
}

// explained bounds the sources of a request whose refusals are told in detail: to find a path takes a walk through the
// request, and whoever sends the faults chooses how many there are.
const explained = 4

// explain tells by source what is refused. Of the sources beyond the bound all counts as their first fault, and nothing
// is shown.
func explain(b *Batch) map[int][]refusal {
	if b.Request.Refused == 0 {
		return nil
	}
	all := map[int][]refusal{}
	for i, s := range b.Request.Sources() {
		switch {
		case s.Refused == 0:
		case len(all) < explained:
			for _, f := range b.Request.RefusalsOf(i) {
				all[i] = append(all[i], b.show(f))
			}
		default:
			all[i] = []refusal{{reason: s.Fault.String(), items: s.Refused}}
		}
	}
	return all
}

func (b *Batch) show(f otlp.Refusal) refusal {
	r := refusal{reason: f.Fault.String(), path: clip(f.Path, maxText), text: clip(f.Text, maxText), items: f.Items}
	if b.Item != nil {
		r.item = clip(b.Item(f), maxItem)
	}
	return r
}

// note counts a refusal, and keeps it as the sample if it is told in detail.
func (r *row) note(now time.Time, f refusal) fault.Finding {
	r.refuse(f.reason, f.items)
	if f.path == "" {
		return r.finding(fault.Validation, uint64(f.items), fmt.Sprintf("%d items with a fault of %s", f.items, f.reason))
	}
	r.sample = &ingestionv1.RefusedItem{Time: timestamppb.New(now), Reason: f.reason, Path: f.path, Text: f.text, Item: f.item}
	return r.finding(fault.Validation, uint64(f.items), f.path+": "+f.text)
}

// findings adds what a stream showed.
func (r *row) findings(found []fault.Finding, k streamKey, f sequence.Findings) []fault.Finding {
	add := func(kind string, items uint64, format string, args ...any) {
		text := fmt.Sprintf("stream %q: ", string(k.stream[:])) + fmt.Sprintf(format, args...)
		found = append(found, r.finding(kind, items, text))
	}
	if f.Gap > 0 {
		add(fault.Gap, f.Gap, "%d spans are missing", f.Gap)
	}
	if f.Resyncs > 0 {
		add(fault.Gap, 0, "its numbers jumped, and what lies between is not known")
	}
	if f.Duplicate > 0 {
		add(fault.Duplicate, f.Duplicate, "%d spans came again", f.Duplicate)
	}
	if f.Reordered > 0 {
		add(fault.Reordering, f.Received, "a batch with %d new spans was overtaken", f.Received)
	}
	return found
}

// finding is a fault of r. Its subject is tenant/service, whatever the address: a fault that lasts is one.
func (r *row) finding(kind string, items uint64, text string) fault.Finding {
	class := ingestionv1.FaultClass_FAULT_CLASS_OMISSION
	if kind == fault.Validation {
		class = ingestionv1.FaultClass_FAULT_CLASS_RESPONSE
	}
	return fault.Finding{
		Class: class, Kind: kind, Subject: r.tenant + "/" + r.service, Signal: r.signal, Items: items,
		Text: text + ", from " + r.address,
	}
}
