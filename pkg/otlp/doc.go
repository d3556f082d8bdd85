// Package otlp reads, checks and writes OTLP without turning it into objects. Telemetry stays the bytes it came as; a
// view says where in them the spans, resources and attributes lie.
//
//	bytes ──► Request.Scan   checks all of it, flags what is faulty, cuts that out      (at the door, any signal)
//	      ──► Traces.Scan    finds every span: ids, times, name, kind, status, its range (behind the door)
//	ranges ─► Writer         joins spans under their resource and scope into a request again
//	JSON ───► Transcode      gives the same request in the protobuf form
//	bytes ──► AppendJSON     gives it back in JSON; AppendItemJSON shows one item of it, faulty or not
//
// Invariants. Scanning allocates nothing once its slices have grown, reads each byte at most once, never recurses
// deeper than MaxDepth, and never reads outside of the bytes given. A view is valid as long as those bytes are
// unchanged. What accepts a request accepts nothing that google.golang.org/protobuf would refuse; fields that this
// version of OTLP does not know are skipped here and survive in the bytes.
//
// One deviation from protobuf: a resource or scope that is given twice in one message is refused, where protobuf
// would merge the two. No encoder writes that.
package otlp
