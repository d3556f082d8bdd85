// Package handoff carries batches of telemetry from the log of ingestion to the services that own them, in one
// process by a call and between processes by a numbered, digested stream, with the same contract: at least once,
// in order, acknowledged when done.
//
//	log ──► Pump ──► Receiver                                  in one process
//	log ──► Pump ──► Client ══ stream ══► Server ──► Receiver  between two
//
// A Pump reads the log from where it is released, and releases it up to where every batch is done. A Client keeps what
// is not acknowledged and sends it again, in order, on the next stream. A Server gives the batches of one sender to
// its receiver from one goroutine at a time, in order, and acknowledges cumulatively though Done comes out of order.
//
// What can never be taken (it cannot be decoded, or was refused for good) is counted, reported and passed over, so
// that one bad batch does not hold up a log. Everything else is tried until it works.
package handoff
