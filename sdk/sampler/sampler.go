package sampler

import (
	"strconv"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Consistent returns a sampler that keeps the given share of traces. A ratio of 1 or more keeps all of them. A ratio below
// 2^-56, the smallest that a threshold can express, keeps none, and so does what is not a number. The sampler has no state;
// many goroutines may use it.
func Consistent(ratio float64) sdktrace.Sampler {
	description := "Consistent{" + strconv.FormatFloat(ratio, 'g', -1, 64) + "}"
	if !(ratio >= minRatio) { // also not NaN
		return never{description}
	}
	t := fromRatio(min(ratio, 1), precision)
	return consistent{t, t.String(), description}
}

type consistent struct {
	threshold   threshold
	th          string // threshold as it is written
	description string
}

// ShouldSample keeps the span if the randomness of its trace reaches the threshold, whatever its parent's fate.
func (c consistent) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	state := trace.SpanContextFromContext(p.ParentContext).TraceState()
	r, ok := randomnessIn(state.Get(member))
	if !ok {
		r = randomnessOf(p.TraceID)
	}
	if r < randomness(c.threshold) {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: withoutThreshold(state)}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample, Tracestate: withThreshold(state, c.th)}
}

// Description names the sampler and its ratio, as in "Consistent{0.1}".
func (c consistent) Description() string { return c.description }

// never keeps nothing. There is no threshold for that.
type never struct{ description string }

// ShouldSample drops the span.
func (n never) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	state := trace.SpanContextFromContext(p.ParentContext).TraceState()
	return sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: withoutThreshold(state)}
}

// Description names the sampler and the ratio that was asked for.
func (n never) Description() string { return n.description }
