// Package detect finds where a series leaves its own past. It is pure: points go in, changes of an anomaly come out.
//
// A point is judged against a baseline that holds neither itself nor anything suspect:
//
//	past ──────────────────────────────────────────────►
//	[ baseline: last Window good points ][ guard ][ point under test ]
//
// A point first waits in the guard, so that the first, still weak points of a departure do not teach the baseline. It
// leaves the guard into the baseline, unless it was suspect; suspects stay out, until so many in a row were that they
// are the new level.
//
// Three distances are taken, and the score is the least of them, so that an anomaly is what all of them see:
//
//   - robust: from the median, in units of 1.4826 · MAD, which is the standard deviation for normal noise;
//   - EWMA: from the exponentially weighted mean, in units of its exponentially weighted deviation (West 1979, with the
//     weight of the k-th point max(Alpha, 1/k), so that it starts as the plain mean and variance);
//   - counting, where the number of observations is known: the signed root of the likelihood ratio between "the same
//     rate as in the baseline" and "its own rate", binomial for ratios and Poisson for rates (the G test), which is a
//     standard normal deviate in theory and stays right for small counts and for a baseline of zeros.
//
// Both scales have a floor from what is known of the kind of series (kind.go): a constant past does not make the next
// value infinitely strange, a mean of zero divides nothing, and sampling noise of a point with few observations is
// allowed for. A departure that is too small to matter scores 0, however certain it is. A point that is not finite, or
// has too few observations, is not judged.
//
// An anomaly opens when two to five of the last five points agree on the direction, are most of the points since the
// first of them, each score at least half of the threshold and together, as Stouffer's Σz/√n, reach it. One point alone
// never opens it: a pause of a machine is an outlier, not a change. It closes after a few good points, or when it is
// accepted as the new level.
//
// Durations are examined as logarithms, because their noise is multiplicative.
package detect
