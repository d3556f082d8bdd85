package assembly

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"

	"github.com/triflow/triflow/pkg/id"
	"github.com/triflow/triflow/pkg/otlp"
)

// maxFactValues is how many values of an attribute a decision is told.
const maxFactValues = 64

// facts gives what sampling is told of a trace. keys are the attributes that the policies ask for.
func (p *picture) facts(t id.Trace, keys []string) *samplingv1.TraceFacts {
	f := &samplingv1.TraceFacts{
		TraceId:       t.String(),
		RangeDuration: durationpb.New(length(p.tree.End - p.tree.Start)),
		Status:        samplingv1.StatusCode_STATUS_CODE_UNSET,
		SpanCount:     uint32(len(p.entries)),
		Services:      slices.Clone(p.services),
	}
	if i, root := p.first(); root {
		f.RootDuration = durationpb.New(length(p.tree.Duration(i)))
		f.RootService, f.RootOperation = p.service(i), p.operation(i)
	}
	for i := range p.entries {
		e := &p.entries[i]
		switch e.status {
		case otlp.StatusError:
			f.Status = samplingv1.StatusCode_STATUS_CODE_ERROR
		case otlp.StatusOK:
			f.Status = max(f.Status, samplingv1.StatusCode_STATUS_CODE_OK)
		}
		if e.state.Len > 0 {
			probability(f, string(p.view(int32(i)).BytesOf(e.state)))
		}
	}
	for _, key := range keys {
		if values := p.values(key); len(values) > 0 {
			f.Attributes = append(f.Attributes, &samplingv1.AttributeFact{Key: key, Values: values})
		}
	}
	return f
}

// probability takes rv and the smallest th out of the `ot` entry of a tracestate (OpenTelemetry, "TraceState:
// Probability Sampling").
func probability(f *samplingv1.TraceFacts, state string) {
	for member := range strings.SplitSeq(state, ",") {
		ot, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(ot, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(field), ":")
			switch {
			case key == "rv" && len(value) == 14 && isHex(value) && (f.Randomness == "" || value < f.Randomness):
				f.Randomness = value
			case key == "th" && len(value) >= 1 && len(value) <= 14 && isHex(value) && (f.IncomingThreshold == "" || below(value, f.IncomingThreshold)):
				f.IncomingThreshold = value
			}
		}
	}
}

// below compares thresholds, in which trailing zeros may be left out.
func below(a, b string) bool {
	return cmp.Less(strings.TrimRight(a, "0"), strings.TrimRight(b, "0"))
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// values gives the distinct values of an attribute on spans and resources as text, sorted, at most maxFactValues.
func (p *picture) values(key string) []string {
	var all []string
	note := func(v otlp.Value, ok bool) {
		if !ok {
			return
		}
		text := v.Text()
		if at, found := slices.BinarySearch(all, text); !found && len(all) < maxFactValues {
			all = slices.Insert(all, at, text)
		}
	}
	for _, s := range p.sources {
		for r := range s.view.Resources {
			if slices.ContainsFunc(p.entries, func(e entry) bool { return p.sources[e.part] == s && int(e.resource) == r }) {
				note(s.view.ResourceAttr(int32(r), key))
			}
		}
	}
	for i := range p.entries {
		note(p.attr(int32(i), key))
	}
	return all
}
