// Package threshold is OpenTelemetry's consistent probability arithmetic: 56-bit randomness R, 56-bit rejection
// threshold T, and the one rule that everybody applies to them, keep iff R ≥ T.
//
// A threshold stands for the probability p = (2^56 − T) / 2^56, so a kept trace stands for 1/p traces. Because all
// samplers of a trace compare the same R, whoever keeps less keeps a part of what the others keep, the smallest
// threshold of several is that of their union, and the largest that of their sequence.
//
// In tracestate they are written `ot=th:c;rv:6e6d1a75832a2f`. See "Tracestate: Probability Sampling" and "TraceState
// Handling" in the OpenTelemetry specification.
package threshold
