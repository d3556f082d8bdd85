// Package otlp reads, checks and writes OTLP without turning it into objects. Telemetry stays the bytes it came as; a
// view says where in them the spans, resources and attributes lie.
//
//	bytes ──► Request.Scan   checks all of it and notes what is faulty               (at the door, any signal)
//	      ──► Request.Kept   leaves the faulty items out and mends what can be mended
//	      ──► Traces.Scan    finds every span: ids, times, name, kind, status, range (behind the door)
//	          Logs.Scan      every log record: ids, times, severity, body, range
//	          Metrics.Scan   every metric and data point of all kinds: times, value, range; Level says how deeply to check
//	views ──► Writer         joins items under their resource, scope and metric into a request again
//	bytes ──► Join, Split    make one request of several, and several of one that is too large
//	JSON ───► Transcode      gives the same request in the protobuf form
//	bytes ──► AppendJSON     gives it back in JSON; AppendItemJSON shows one item of it, faulty or not
//
// Invariants. Scanning allocates nothing once its slices have grown, reads each byte at most once, never recurses
// deeper than MaxDepth, and never reads outside of the bytes given. A view is valid as long as those bytes are
// unchanged. What Request keeps of a request beside its bytes is bounded by MaxFaults and MaxSources. What Kept gives
// has no fault: google.golang.org/protobuf reads it, and scanning it again finds nothing. Fields that this version of
// OTLP does not know are skipped here and survive in the bytes, around items as in them: a Writer, Join and Split carry
// them along. What is written has the items in the order in which they came.
//
// A fault costs as little as it can: a link without ids costs the link, text that is not UTF-8 its bad bytes, a bad id
// its item, a header nested too deep what it heads, and only bad framing, or more faults than are noted, the request.
//
// Two deviations from protobuf, in what no encoder writes. A resource, a scope or the data of a metric that is given
// twice in one message is refused, where protobuf would merge the two, or drop all but the last kind of data. And of the
// body of a record, or the value of an attribute, that comes in parts, a view shows the last part alone.
package otlp
