// Package shop is the demo: an online shop of twelve services in one process, each on its own OpenTelemetry SDK, that
// sends real OTLP to whoever listens, and that can be broken on purpose while it runs.
//
//	users ─► storefront ─┬─► catalog ─┬─► search
//	                     │            └─► stock ─► stock-db
//	                     ├─► recommendation
//	                     ├─► cart ─► pricing
//	                     └─► checkout ─┬─► cart, pricing
//	                                   ├─► stock ─► stock-db
//	                                   ├─► payment ─► bank.example (not instrumented)
//	                                   └─▷ orders ─▷ shipping ─▷ parcels ─▷ mailer
//
// Solid arrows are HTTP requests over loopback, open ones are messages on an in-process queue, which outlive the request
// that sent them. topology.go says what each service does; everything else is the machinery below it.
//
// What the package promises:
//
//   - The telemetry is what a fleet would send: one resource and one set of providers per service, W3C trace context
//     between services, stable semantic conventions, logs that carry the trace they belong to. Nothing is registered in
//     the process-wide OpenTelemetry state.
//   - A fault changes the behaviour of one service, its target. Every other service only suffers from it, through the
//     same calls as before, and no span, log or metric mentions that the fault was injected.
//   - Time is real, because sockets are: a service holds one of its workers while it computes and queues when none is
//     free. What a request costs is drawn from a seeded source, so two runs have the same distribution of latencies, not
//     the same interleaving.
//   - It never needs its endpoint. While nobody listens telemetry is dropped, the shop goes on, and it says so once.
//   - After Run returns no goroutine, connection or listener is left, and all telemetry that could be delivered in three
//     seconds has been delivered.
package shop
