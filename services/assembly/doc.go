// Package assembly puts spans together into traces, counts them before any is sampled away, has each trace decided
// once, keeps what is to be kept, and explains it.
//
//	            ┌─ count: requests by service and operation
//	Push ──► shard ──► open trace ──quiet, deadline, size, memory──► waiting ──Decide──► commit ──► store
//	 (bytes stay      (ranges into     │                               │                   │
//	  where they are)  the batches)    └─ count: edges, own work       └─ sampling away:   └─ fragments, rows, ledger and
//	                                                                      all wait            markers in one synced batch
//
// Promises.
//
//   - Every span that was pushed is stored in a kept trace, or counted as dropped by a decision, or counted as a
//     duplicate, exactly once, over any number of crashes and repeated pushes: see accounts.
//   - A trace follows one decision. Spans that come after it form a new fragment, for which the decision is asked
//     again: the first one stands, so the fragment joins the stored trace or is dropped with it.
//   - Figures are of all spans. They are kept in memory, and begin anew with the process.
//   - Memory is bounded: when MaxPendingBytes are in hand, traces are decided early and Push waits.
//
// A span is one (span id, kind, service): a client and its server may share an id, as Zipkin has it. Of several copies the
// one that says most stays, so that a span which was sent before it ended is the one that ended; of a stored trace, the
// stored one. So what is told of a trace does not depend on the order in which its spans came before it was decided.
//
// The spans' own times are never changed. What they do not give (a duration where the end is missing or lies before the
// start, the time that a span without times is filed under) is told beside them, with flags that say what is doubtful.
//
// Push, the readers and the one goroutine that settles meet only under the mutexes of shards, waiting list, book and
// accounts, none of which is held while another service or the store is called.
package assembly
