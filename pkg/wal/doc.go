// Package wal is a durable log of records: what Append has returned for is on disk and comes out of a Reader, in
// order, after any crash, until it is released.
//
// # Promise
//
//   - A record is acknowledged after one write and one fdatasync of the group it travels in (policy Always).
//   - Positions and totals only rise. They go on over restarts, also when everything was released. Positions may have
//     gaps: after damage, the positions of what may have been there are never given again.
//   - Damage costs what it hit. A record that cannot be read is skipped, counted and reported; its neighbours are
//     read; the segment is set aside as NAME.damaged instead of being used again. A torn end is counted apart, since most
//     likely nobody was told that it was stored.
//   - With SyncInterval and SyncNone a power cut costs what was not synced. Its positions, which readers may have seen,
//     are not given again; totals go on from what the disk has kept.
//   - After a failed write or fsync the file is never written again: what was not acknowledged goes, with the same
//     positions, into a new segment, and only its fsync acknowledges.
//   - Each destination has a Mark. A segment goes when all marks are past it, and each mark is on disk before.
//   - What a newer program wrote is refused by Open, and left as it is.
//   - A full disk or a full log refuses with ErrFull, and goes on when there is room.
//
// # Owner
//
// Open starts one goroutine, the writer; Close stops it and waits. One process owns the folder, by a lock. Readers are
// made by Reader and have no goroutine.
//
// # Files
//
//	<base position, 16 hex digits>.wal      a segment of Options.SegmentBytes, preallocated
//	<base>.wal.spare                        a released segment, to be used again: rewriting blocks is cheaper than new ones
//	<base>.wal.damaged                      a released segment with unreadable records or a failed sync; not in MaxBytes, for a person to delete
//	<base>.wal.tmp                          a segment in the making; nothing acknowledged is in it
//	mark                                    how far the log's own mark is, twice
//	mark-NAME                               how far the mark of a destination is, twice
//
// All numbers are little endian, all sums CRC-32C. A segment is a header of 64 bytes, records, and a zero word:
//
//	 0        8          12      16       24              32           40              48             56
//	┌────────┬──────────┬───────┬────────┬───────────────┬────────────┬───────────────┬──────────────┬──────────┐
//	│ magic  │ version  │ sum   │ log id │ base position │ base total │ previous base │ previous end │ size     │
//	└────────┴──────────┴───────┴────────┴───────────────┴────────────┴───────────────┴──────────────┴──────────┘
//
// The header seals the segment before it: previous end is where its last record ended. Size has
// that of the file when it was made, in units of 8 bytes, in its lower half, and in its upper half how many records are in
// the segment before. Its sum covers all but itself.
// A segment whose header is damaged is still read, by the name and the log id of its neighbours. A record stands at a
// multiple of 8:
//
//	 0        4            8        12            16         24       32      40
//	┌────────┬────────────┬────────┬─────────────┬──────────┬────────┬───────┬─────────┬───────────┐
//	│ marker │ header sum │ length │ payload sum │ position │ weight │ total │ payload │ 0…7 zeros │
//	└────────┴────────────┴────────┴─────────────┴──────────┴────────┴───────┴─────────┴───────────┘
//
// The header sum covers the log id and everything from length to total, so that length is checked before it is used,
// a damaged payload is hopped over, and after a damaged header the next record is found by marker and sum. The log id
// is random, so a payload cannot pass for a record. In a segment that is used again the records of its former life
// have positions below its base.
//
// A restart begins a new segment and gives the rest of the one before back. The newest segment is never removed, so that
// positions go on.
//
// The mark file has two slots of 64 bytes, 4096 apart, written in turn; the higher valid one holds:
//
//	 0        8          12      16       24         32         40              48           56
//	┌────────┬──────────┬───────┬────────┬──────────┬──────────┬───────────────┬────────────┬──────────┐
//	│ magic  │ version  │ sum   │ log id │ sequence │ released │ last position │ last total │ given    │
//	└────────┴──────────┴───────┴────────┴──────────┴──────────┴───────────────┴────────────┴──────────┘
//
// Last position and total are those of the newest durable record when it was written: should that not be there at the
// next Open, it is counted as lost. Positions up to given are never given again: where
// positions are given before they are durable, it runs ahead until Close. A slot is written at each Release;
// both are, and synced, before a segment goes: after a power cut a Reader may begin earlier than what was released
// last, never later. A mark that cannot be read begins with what is there. After a failed sync the file is made anew.
package wal
