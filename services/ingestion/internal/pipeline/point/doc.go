// Package point makes one point of a metric out of several, on their wire form.
//
//	point ─┐
//	point ─┼─► Pot ─► point      sums add up, gauges give the last, least, greatest or mean value,
//	point ─┘                     histograms add their buckets up
//
// What the points belong to, whether they may be taken together and which attributes are left is up to the caller.
//
// The count, the sum and the buckets of what comes out are those of what went in, added up: a histogram keeps the bounds
// that all have in common, and an exponential one the coarsest scale (OpenTelemetry metrics data model, "Exponential
// Scale"). The zero bucket is as wide as the widest; what it covers of the others' buckets is counted in it. The least,
// the greatest and the sum are known if all points know theirs. The start is the earliest, and unknown if one is. A
// point without a recorded value gives way to those with one. Exemplars are all kept, fields that are not known are not.
//
// Invariants. A Pot that refuses a point is as it was before. Nothing that is added overflows, nothing is rounded but
// sums of numbers with a fraction. The order of points does not matter but to the last value and to exemplars.
package point
