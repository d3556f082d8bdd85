package policy

import (
	"fmt"
	"strconv"
	"strings"

	samplingv1 "github.com/triflow/triflow/proto/gen/triflow/sampling/v1"
)

// longestValue bounds what a reason quotes of a policy, in bytes.
const longestValue = 64

// reasons are the sentences of one policy.
type reasons struct {
	kept, keptOfEarlier, dropped, droppedOfEarlier string
}

// of picks the sentence: earlier tells that the threshold is that of earlier sampling.
func (r *reasons) of(keep, earlier bool) string {
	switch {
	case keep && earlier:
		return r.keptOfEarlier
	case keep:
		return r.kept
	case earlier:
		return r.droppedOfEarlier
	}
	return r.dropped
}

func explain(p *samplingv1.Policy) reasons {
	what := describe(p)
	if p.GetService() != "" {
		what += " with a span of service " + shorten(p.GetService())
	}
	says := fmt.Sprintf("policy %s keeps %s", p.GetName(), what)
	return reasons{
		kept:             says,
		keptOfEarlier:    says + ", out of those that earlier sampling kept",
		dropped:          says + ", and this one is outside that share",
		droppedOfEarlier: says + ", but this one is outside the share that earlier sampling kept",
	}
}

func describe(p *samplingv1.Policy) string {
	switch r := p.GetRule().(type) {
	case *samplingv1.Policy_Probabilistic:
		return strconv.FormatFloat(100*r.Probabilistic.GetRatio(), 'g', 4, 64) + " % of all traces"
	case *samplingv1.Policy_Status:
		names := make([]string, len(r.Status.GetCodes()))
		for i, c := range r.Status.GetCodes() {
			names[i] = strings.TrimPrefix(c.String(), "STATUS_CODE_")
		}
		return "traces with status " + strings.Join(names, " or ")
	case *samplingv1.Policy_Latency:
		return describeLatency(r.Latency)
	case *samplingv1.Policy_Attribute:
		return describeAttribute(r.Attribute)
	}
	return "every trace"
}

func describeLatency(r *samplingv1.LatencyRule) string {
	subject := "whose root takes"
	if r.GetMeasure() == samplingv1.LatencyMeasure_LATENCY_MEASURE_RANGE {
		subject = "that take, from first start to last end,"
	}
	text := fmt.Sprintf("traces %s at least %v", subject, r.GetMin().AsDuration())
	if r.GetMax() != nil {
		text += fmt.Sprintf(" and less than %v", r.GetMax().AsDuration())
	}
	return text
}

func describeAttribute(r *samplingv1.AttributeRule) string {
	with := "with"
	if r.GetInvert() {
		with = "without"
	}
	text := fmt.Sprintf("traces %s %s", with, shorten(r.GetKey()))
	switch values := r.GetValues(); len(values) {
	case 0:
		return text
	case 1:
		return text + " " + shorten(values[0])
	default:
		return fmt.Sprintf("%s %s or one of %d more", text, shorten(values[0]), len(values)-1)
	}
}

func shorten(s string) string {
	if len(s) <= longestValue {
		return s
	}
	return strings.ToValidUTF8(s[:longestValue], "") + "…"
}
