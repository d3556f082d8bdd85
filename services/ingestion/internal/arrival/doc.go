// Package arrival keeps book of who sends: one row for each signal, tenant, service, SDK, address and credential, with
// what it sent, what was refused of it, how late its items come and how good they are.
//
// A bounded number of rows is kept; the one that was silent for longest is forgotten. Texts from outside are cut to a
// bound: two senders that differ only beyond it are one.
//
// The four figures of quality, since start but for the third; one that nothing is known of is absent:
//
//	completeness   numbers received / (received + missing), for streams that the SDK numbers; package sequence judges
//	accuracy       1 − (faulty + impossible items) / items
//	timeliness     median lag of the last one to two minutes + the mean delay from arrival to done
//	consistency    1 − batches that came again or that another collector contradicts / batches, of those
//	               that are numbered
//
// Lag is from the time of an item to its arrival. Of each source of a request the earliest and the latest time are
// known and the mean of all: one item counts at each bound and all others at the mean. So the quantiles are off by no
// more than the spread of the items in one request, and by 1/16 of the value, half the width of a bucket. They cover
// 131 µs to 9.8 h; what is outside counts at the bound. An item from the future has lag 0 and is counted as ahead.
//
// The package reads no clock, does no I/O and starts no goroutine. A Book is safe for many goroutines.
package arrival
