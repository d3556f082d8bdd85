// Package fault remembers what the fault detectors found. It merges what is found again, so that a fault that lasts is
// one row with a count, and it is what ListFaults reads.
//
// A detector reports a Finding; class, kind, subject and signal say which Fault it is. A bounded number of faults is kept;
// the one that was silent for longest goes first. Texts from outside are cut to a bound: two subjects that differ only
// beyond it are one fault.
//
// The package reads no clock and writes no log. A Registry is safe for many goroutines.
package fault
