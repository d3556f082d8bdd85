// Package otlp reads, checks and writes OTLP without turning it into objects. Telemetry stays the bytes it came as; a
// view says where in them the spans, resources and attributes lie.
//
//	bytes ──► Request.Scan   checks all of it and notes what is faulty                  (at the door, any signal)
//	      ──► Request.Kept   leaves the faulty items out and mends what can be mended
//	      ──► Traces.Scan    finds every span: ids, times, name, kind, status, its range (behind the door)
//	ranges ─► Writer         joins spans under their resource and scope into a request again
//	JSON ───► Transcode      gives the same request in the protobuf form
//
// Invariants. Scanning allocates nothing once its slices have grown, reads each byte at most once, never recurses
// deeper than MaxDepth, and never reads outside of the bytes given. A view is valid as long as those bytes are
// unchanged. What Request keeps of a request beside its bytes is bounded by MaxFaults and MaxSources. What Kept gives
// has no fault: google.golang.org/protobuf reads it, and scanning it again finds nothing. Fields that this version of
// OTLP does not know are skipped here and survive in the bytes.
//
// A fault costs as little as it can: a link without ids costs the link, text that is not UTF-8 its bad bytes, a bad id
// its item, a header nested too deep what it heads, and only bad framing, or more faults than are noted, the request.
//
// One deviation from protobuf: a resource or scope that is given twice in one message is refused, where protobuf
// would merge the two. No encoder writes that.
package otlp
