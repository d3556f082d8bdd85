// Package export delivers telemetry of one signal to a set of OTLP backends that stand in for one another.
//
//	Pump ──► Exporter.Push ──► workers ──► balance: which endpoint ──► gRPC or HTTP ──► outcome
//	                              ▲           ▲ healthy, breaker, throttle                │
//	                              │           └──── probes                                │
//	                              └── wait: exponential, full jitter, what was asked for ◄┘ retryable
//
// A batch is done when backends have acknowledged all of it or refused it for good, and never before: what fails
// otherwise is tried again until Run ends, and the log behind the pump keeps it beyond that. In one round every endpoint
// fails a batch at most once; then its worker waits. Workers are the bulkhead: a destination that is down holds as many
// batches as it has workers, and no more.
//
// What may be tried again is what OTLP 1.11 says, no more: the rest would be refused again. A refusal is counted, told
// and passed over. An acknowledgement that makes no sense is none: the batch is tried again, since to have it twice is
// better than not at all.
package export
