// Package processor is a span processor for the OpenTelemetry Go SDK that never holds the application up and never loses
// a span without saying so.
//
//	exporter, err := otlptracegrpc.New(ctx)
//	…
//	p, err := processor.New(exporter)
//	…
//	provider := trace.NewTracerProvider(trace.WithSpanProcessor(p))
//	defer provider.Shutdown(ctx)
//
// It takes the place of the SDK's batch processor. Ended spans go into a lock-free ring; one goroutine, owned by the
// processor from New to Shutdown, takes them out in batches, when a batch is full or the delay has passed, and exports
// one batch at a time.
//
// What it promises:
//
//   - OnEnd does not wait, lock or allocate, whatever the exporter does: fail, hang or panic. Once per batch it wakes the
//     worker, by a send on a channel that cannot block.
//   - Every sampled span that ends is exported or counted as dropped, exactly once (Stats, and metrics with
//     WithMeterProvider), and the receiver learns how many are missing from the sequence below.
//   - A server that is not there, or whose connection breaks, is tried again until the deadline of the export; the ring
//     holds what ends meanwhile.
//   - Exports never overlap, have a deadline, and spans that one goroutine ends are exported in that order.
//   - ForceFlush returns when all that ended before it was exported. If its context ends first it returns early and the
//     export goes on.
//   - Shutdown exports what is there, then shuts the exporter down. When its context ends, the export under way is
//     cancelled and the rest is dropped and counted. It may be called again and gives the same answer.
//
// # When spans are dropped
//
//	reason          when
//	queue_full      the ring was full when the span ended: the exporter is slower than the application
//	export_failed   the exporter returned an error, panicked or ran past its deadline; to try again what a server has
//	                answered is its business, and the exporters for OTLP do
//	shutdown        the span ended after Shutdown, or was still queued when Shutdown's context ended
//
// Give Shutdown a context with a deadline: while the server is away each batch takes the whole of its own.
//
// An exporter that ignores its context holds the worker, and with it Shutdown until the context of that ends; spans that
// end meanwhile fill the ring and are then dropped.
//
// # Sequence
//
// Every sampled span that ends gets a number in the processor's stream, from 1, whether it is exported or not. The first
// span of each batch carries three attributes:
//
//	triflow.sequence.stream   string   16 hex digits, drawn at random in New
//	triflow.sequence.first    int      number of the first span in the batch
//	triflow.sequence.count    int      spans in the batch, numbered without a gap
//
// A receiver that adds up the gaps between the batches of a stream knows exactly how many spans it did not get. The worker
// gives the numbers when it makes up a batch, after skipping as many as were dropped since the last; so all numbers in a
// batch follow one another although many goroutines end spans at once, and a gap comes before the batch that was waiting
// when the spans were dropped. A batch whose export failed has used up its numbers. A gap shows once a later batch
// arrives: for spans dropped in Shutdown, or by the last export, there is none, and only Stats tells.
//
// The spans themselves are not changed: other processors of the same provider do not see the attributes. They do not count
// towards the SDK's attribute limits.
package processor
