// Package ingestion is the front door: it takes OTLP over gRPC and HTTP, and hands it on to the services that own it.
//
// Promise: what was acknowledged is on disk, and reaches the receiver of its signal at least once, whatever crashes.
//
//	gRPC 4317 ─┐
//	           ├─ unpack ─ check ─ cut out what is faulty ─► log (one a signal) ─ acknowledge
//	HTTP 4318 ─┘   within the ceiling of bytes                └─► pump ─► receiver ─ done ─► released
//
// A record of a log is, in little endian:
//
//	 0         1              9       13
//	┌─────────┬──────────────┬───────┬─────────┐
//	│ version │ receive time │ items │ payload │
//	└─────────┴──────────────┴───────┴─────────┘
package ingestion
