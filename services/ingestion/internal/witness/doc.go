// Package witness finds collectors that change telemetry: it is the detector of Byzantine faults.
//
// A collector signs a receipt for every batch that it took in, over the digest of the bytes that came, and the collectors
// show each other their receipts. Two receipts for one batch with different digests contradict each other:
//
//	one collector signed both            it is the suspect, by its own word
//	more than half of all collectors     those that vouch for something else are the suspects; at least three
//	vouch for one digest                 collectors must be known
//	anything else                        a tie, and it stays one: all are named, and nobody is a suspect
//
// Half is counted of the collectors that are known, not of those that spoke. So no honest collector is a suspect as long
// as fewer than half of them lie, however many receipts are lost, late or shown twice.
//
// A batch is (stream, sequence, signal), and the same batch must be the same bytes: a client that sends again sends what it
// sent before. A client that does not would make honest collectors contradict each other. Therefore Witness.Sign signs one
// digest for a batch and refuses any other with ErrChanged, which is a fault of the client. That a client sent different
// bytes to different collectors cannot be told from a collector that lies: a contradiction between collectors says that
// one of them, or the sender of the stream, is not to be trusted.
//
// A witness remembers the latest batches, as many for each collector that named them first; so a collector that makes
// batches up cannot push out what the others said. What was forgotten is not compared any more. Sign as well remembers no
// longer than that, nor over a new start: a client that sends a batch with other contents so much later can make an
// honest collector contradict itself.
//
// What is signed, all numbers big endian; the first line has no length before it:
//
//	"triflow receipt v1"
//	4 bytes length, collector
//	4 bytes length, stream
//	8 bytes sequence
//	8 bytes signal
//	4 bytes length, digest
//
// The package reads no clock, and all is safe for many goroutines.
package witness
