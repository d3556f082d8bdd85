// Package sampler has a sampler for the OpenTelemetry Go SDK that keeps a share of all traces, and says so in each of them.
//
//	provider := trace.NewTracerProvider(
//		trace.WithSampler(trace.ParentBased(sampler.Consistent(0.1))),
//		…
//	)
//
// It follows the consistent probability sampling of the OpenTelemetry specification (trace/tracestate-handling and
// trace/tracestate-probability-sampling), which rests on two numbers of 56 bits:
//
//   - R, the randomness of the trace: the value of rv in the tracestate, or else the last seven bytes of the trace id.
//   - T, the rejection threshold: (1 − ratio) · 2^56, rounded to four significant hex digits.
//
// A trace is kept if and only if R ≥ T. From this follows what the package promises:
//
//   - Consistency. Every participant with the same ratio decides the same about a trace, without a word between them, and
//     what is kept at a ratio is also kept at every larger one.
//   - Honest counts. A kept span carries T in its tracestate, as in "ot=th:e666". Whoever reads it may count the span as
//     2^56 / (2^56 − T) spans, so that rates stay right after sampling and samplers further on can lower the share
//     again, on the same R, and correct T.
//   - Courtesy. All other keys of the ot member and all members of other vendors are passed on as they came; rv is never
//     changed. A dropped span carries no threshold.
//
// Use it inside ParentBased, as above, and only the first span of a trace is decided upon; the rest follow, and T goes with
// them. Used bare, it decides afresh at every span, on its own ratio: traces come out whole only where no service has a
// smaller ratio than its callers.
//
// Consistent keeps the same share for ever. Adaptive keeps less of it while an export path is under pressure, such as when
// the queue of the span processor fills up or spans are lost, and recovers to its target afterwards:
//
//	processor, err := processor.New(exporter)
//	…
//	adaptive, err := sampler.NewAdaptive(0.5, 0.01, time.Second, processor.Pressure)
//	…
//	provider := trace.NewTracerProvider(
//		trace.WithSampler(trace.ParentBased(adaptive)),
//		trace.WithSpanProcessor(processor),
//	)
//
// Counts stay right, since each trace carries the threshold of its moment: what the sampler drops is in the counts of what
// it keeps, while what a full queue drops is only a gap. What does not hold is that all participants with the same target
// decide the same: each follows its own pressure.
//
// The SDK's own TraceIDRatioBased looks at other bits of the trace id and writes no threshold: what it has kept cannot be
// counted by the tracestate.
package sampler
