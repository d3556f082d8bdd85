// Package record gives the requests of all three signals one shape, so that one set of stages works on all of them:
//
//	request ─ resources ─ scopes ─ spans or log records
//	                            └─ metrics ─ points
//
// What lies above the items are groups; an item and a group are bytes of the request as it came. Nothing is decoded:
// a stage that only selects leaves every byte as it was, one that edits replaces fields with Splice and leaves the rest.
//
// Invariants. Parse and Append keep the order of items and every field that they do not know, at every level. What
// Append writes is a valid request if the items and groups are valid messages. A group without items is not written.
// Slices of a Batch are never written to, only replaced, so copies of it may share them.
package record
