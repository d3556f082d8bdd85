// Package policy judges traces: which policies match, at which threshold, and so whether a trace is kept. It is a pure
// function of the set, the facts and the given time.
//
// Invariants:
//   - Every policy is tried. The outgoing threshold is the smallest of those that match, raised to the incoming one:
//     the policies sample side by side, and all of them after what came in.
//   - A trace is kept iff its randomness is at least the outgoing threshold, and no policy looks at the randomness.
//     Hence the adjusted counts of the kept traces are unbiased estimates of all traces that any policy matches.
//   - Loosening a policy never drops a trace that was kept.
//
// See pkg/threshold for the arithmetic.
package policy
