// Package export delivers telemetry of one signal to a set of OTLP backends that stand in for one another.
//
//	Pump ──► Exporter.Push ──► join ──► workers ──► balance: which endpoint ──► gRPC or HTTP ──► outcome
//	                                     ▲  ▲           ▲ healthy, breaker, throttle                │
//	                                     │  │           └──── probes                                │
//	                                     │  └─ cut in two ◄─────────────────────────────────────────┤ refused, perhaps for a part
//	                                     └──── wait: exponential, full jitter, what was asked for ◄─┘ retryable
//
// A batch is done when backends have acknowledged all of it or refused it for good, and never before: what fails
// otherwise is tried again until Run ends, and the log behind the pump keeps it beyond that. In one round every endpoint
// fails a request at most once; then its worker waits. Workers are the bulkhead: a destination that is down holds as many
// requests as it has workers, and those that are gathered for the next.
//
// Small batches of a tenant go as one request, within the bounds of Join, and its batches are done together. When a
// joint request is refused for good, for what may be in it, it is cut between its batches until those at fault are
// alone: only they are dropped. A refusal that would be everyone's, such as of the credentials, is not looked into.
//
// What may be tried again is what OTLP 1.11 says, no more: the rest would be refused again. A refusal is counted, told
// and passed over. An acknowledgement that makes no sense is none: the batch is tried again, since to have it twice is
// better than not at all.
//
// Secrets and certificates are read from files again when these change, and secrets are never shown.
package export
