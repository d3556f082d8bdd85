// Package ingestion is the front door: it takes OTLP over gRPC and HTTP, and hands it on to the services that own it.
//
// Promise: what was acknowledged is on disk, and reaches the receiver of its signal at least once, whatever crashes.
//
//	gRPC 4317 ─┐
//	           ├─ unpack ─ check ─ cut out what is faulty ─► log (one a signal) ─ acknowledge
//	HTTP 4318 ─┘   within the ceiling of bytes                └─► pump ─► receiver ─ done ─► released
//
// Memory: the bytes of requests, unpacked, are counted until the answer, and stay within in-flight-bytes. Over HTTP they
// are counted as they come. gRPC tells a size only when a message is read and unpacked, so at most in-flight-bytes / 2 /
// max-bytes calls read at a time; the others wait in their HTTP/2 window of 64 KiB, which is counted too. What is beyond
// is told to come again. So bombs that unpack to gigabytes cost max-bytes each, and only as many as may be read at a
// time. Not counted are the packed form and the copy made of a message while it is read, each at most max-bytes.
//
// Refused are single items, by the words of otlp.Fault, or whole requests: malformed, too_large, unsupported, overload,
// full, draining, not_stored, deadline and canceled. The ledger and the metrics tell the same counts.
//
// A record of a log is, in little endian:
//
//	 0         1              9       13
//	┌─────────┬──────────────┬───────┬─────────┐
//	│ version │ receive time │ items │ payload │
//	└─────────┴──────────────┴───────┴─────────┘
package ingestion
