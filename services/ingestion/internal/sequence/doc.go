// Package sequence judges numbered streams: it is the detector of omission faults.
//
// A sender numbers what it sends from 1 and tells with each batch which numbers it covers. A Tracker follows one stream:
//
//	1 ........ floor ........................... top
//	 not judged  | received, but for the holes |  not seen yet
//	             | lost holes  |  open holes   |
//
// A number that was passed over makes a hole. The hole is open while a batch that was merely overtaken may still fill it:
// for Limits.Batches batches or Limits.Wait, whichever ends first. Then its numbers are lost, which is a gap. A batch that
// fills a lost hole after all corrects that (Recovered). New holes open only at the top, so they stand in the order of
// their age and the lost ones come first.
//
// A gap never stops the stream. The trackers of RTP (RFC 3550, appendix A.1) lend the rule for numbers that cannot be
// meant: a batch further away than Limits.Jump is not believed (Strange), unless the next batch goes on where it ended;
// then the stream begins anew there (Resyncs), and what lies between is not held to be lost.
//
// A number that came before is a duplicate, whatever else: a sender that begins anew takes a new stream. Who knows that
// a stream of the same name begins anew says so with Set.Forget.
//
// What is not known is not claimed. A stream that is joined in its middle is judged from there on, and when a stream has
// more than Limits.Holes holes its lowest one is given up as lost and nothing below it is judged any more: what comes from
// there counts as Old. A stream that is spread over several collectors has gaps at each of them.
//
// The package reads no clock. A Set is safe for many goroutines, a Tracker is not.
package sequence
