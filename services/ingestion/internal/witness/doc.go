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
// Of each collector a witness remembers the batches that it signed last, by its own clock. What is older than those is
// passed over. So what is remembered is the same in whatever order, and however often, receipts are shown: to show old
// ones again pushes nothing out and accuses nobody; and a collector that makes batches up pushes out its own only. Clocks
// of different collectors are never compared. A collector whose clock was set back over a restart is not heard until it
// has caught up; while it runs, the times that it signs rise whatever its clock does.
//
// What was forgotten is not compared any more. Sign as well remembers no longer than that, nor over a new start, unless a
// peer shows it what it signed: a client that sends a batch with other contents so much later can make an honest
// collector contradict itself.
//
// What is signed, all numbers big endian; the first line has no length before it, so nothing else that is signed with
// Ed25519 begins like it and a signature is good for nothing else:
//
//	"triflow receipt v1"
//	4 bytes length, collector
//	4 bytes length, stream
//	8 bytes sequence
//	8 bytes signal
//	4 bytes length, digest
//	8 bytes time, in ns since 1970
//
// The package reads no clock, and all is safe for many goroutines.
package witness
