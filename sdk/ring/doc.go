// Package ring is a bounded queue for many producers and many consumers that no caller ever waits on.
//
// It is the queue of D. Vyukov ("Bounded MPMC queue", 1024cores.net): an array of slots, each with a sequence number that
// says whose turn it is. A position counts from 0 for ever; position p lives in slot p mod capacity.
//
//	sequence of the slot    what it means for position p
//	p                       free: the producer that claims p may write
//	p + 1                   published: the consumer that claims p may read
//	p + capacity            free again, for the next lap
//
// A producer claims p by moving tail from p to p + 1, then writes the value, then publishes by storing p + 1. A consumer
// claims p by moving head, then reads and clears the value, then releases the slot by storing p + capacity. The order is
// the point: the value is always written before the sequence number that shows it and read before the one that gives it
// away, and since atomic operations in Go are sequentially consistent and synchronise, the plain accesses to a value never
// race. (The tempting shortcut, to show the position first and write the slot afterwards, is the fault that the tests of
// this package plant and find.)
//
// What the package promises:
//
//   - Nothing is lost, doubled or torn: each accepted value is taken exactly once, whole.
//   - Values are taken in the order of their positions, so those of one producer stay in order.
//   - Offer, Take and TakeBatch do not block, lock or allocate. An attempt is repeated only when another goroutine of the
//     same side has got ahead, so one of them always succeeds.
//   - After Close no value is accepted, and how many were is then exact: nothing slips in behind a last look.
//
// What it does not promise: a producer that is suspended between claim and publication hides the values behind it until
// it runs again; Take then reports nothing although Len is not 0. Likewise Offer may refuse while a consumer still holds
// the last free slot. No algorithm that claims first can do without this, and nobody waits for it here.
//
// The tests check the algorithm by walking through every interleaving of its atomic steps for few producers, consumers and
// slots, and the code against a plain slice and under the race detector.
package ring
