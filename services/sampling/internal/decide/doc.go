// Package decide is the state machine that the Raft log drives: the decisions taken, and the policy set in force. It
// reads no clock and does no I/O; the same commands in the same order give the same state, however they were grouped.
//
// Invariants:
//   - The first decision of a trace wins. It is what every later proposal is answered with, while it is remembered.
//   - At most Limit decisions are remembered. The one that was applied first is forgotten first, on every replica at
//     the same command, because the limit is itself set by a command. A forgotten trace may be decided again, and
//     then otherwise, so the limit has to outlast the latest span: rate of traces × time of lateness.
//   - A policy set replaces another only if it names the etag of that one. Epochs number the sets from 1.
//   - A command that cannot be read changes nothing.
//
// A command is
//
//	version 1 byte = 1, kind 1 byte, body
//	1 batch:    time varint, causes, n uvarint, n × (trace 16, bits 8, cause uvarint)
//	  causes:   n uvarint, n × (policy text, reason text, epoch uvarint); text and bytes are length uvarint + bytes
//	2 policies: time varint, etag text, set bytes
//	3 limit:    uvarint
//
// with bits big-endian: bit 63 kept, bit 62 matched by a policy, the lowest 56 the threshold. Times are nanoseconds of
// Unix time. A snapshot is
//
//	magic "TRIFDECS", version u32 = 1, limit u64, epoch u64, time i64, etag text32, set bytes32,
//	causes u32, each (policy text32, reason text32, epoch u64, term u64),
//	decisions u64, each (trace 16, bits u64, time i64, cause u32), oldest first,
//	CRC-32C u32 of all before
//
// all big-endian. Causes stand in the order of their first use, so equal states have equal snapshots, byte for byte.
package decide
