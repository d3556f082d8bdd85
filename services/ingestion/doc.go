// Package ingestion is the front door: it takes OTLP over gRPC and HTTP, and hands it on to the services that own it.
// Spans of Zipkin, which come over HTTP too, are OTLP from there on.
//
// Promise: what was acknowledged is on disk, and reaches the receiver of its signal at least once, whatever crashes.
//
//	gRPC 4317 ─┐
//	           ├─ gate ─ read, unpack ─ check ─ cut out what is faulty ─► log (one a signal) ─ acknowledge
//	HTTP 4318 ─┘   (internal/admit)                                       └─► tail ─► pump ─► receiver ─ done ─► released
//
// Memory: the bytes of requests are counted by the gate until the answer, and stay within in-flight-bytes. They are
// counted as they are read from HTTP and as they come out of gzip and zstd, so that a bomb costs max-bytes at most and
// many of them are told to come again. gRPC tells the size of a message only when it is read, so at most in-flight-bytes
// / 2 / max-bytes calls read at a time, fairly by tenant, and who stalls makes room for who waits; the others wait in
// their HTTP/2 window of 64 KiB, which is counted too. Not counted are the copies that are made of a message while it is
// read and of a buffer while it grows, each at most max-bytes, and what JSON grows by while it is turned into protobuf,
// which ends at max-bytes too, or for Zipkin at twice that, since its spans are sorted.
//
// Beside that, there are 32 MiB a signal of the newest records. What the receivers hold undone, handoff-bytes a signal at
// most, is in the memory of theirs: here too if they are in this process, or if pipelines have changed it, and else only
// until it is on the connection. What has to be sent again is read again from the log.
// With witness-peers there are 32 MiB of requests that wait for their receipt, and witness-batches receipts of each
// collector.
// For each backend that gets aggregates over a window there are 16 MiB of requests that wait for others.
//
// A request is read into a buffer that is used again; the log, the tail and the receiver share it until the last of them
// is through. The tail holds the newest records, so that the pump reads the disk only when it is behind.
//
// Refused are single items, by the words of otlp.Fault, or whole requests: malformed, too_large, unsupported, rate,
// overload, full, draining, not_stored, deadline and canceled. The ledger, the tenants and the metrics tell the same counts.
//
// A record of a log is, in little endian, what is known of the request behind it, so that its digest is what that of the
// record begins with:
//
//	 0         -14-n    -14             -13     -9             -1
//	┌─────────┬────────┬───────────────┬───────┬──────────────┬─────────┐
//	│ payload │ tenant │ tenant length │ items │ receive time │ version │
//	└─────────┴────────┴───────────────┴───────┴──────────────┴─────────┘
package ingestion
