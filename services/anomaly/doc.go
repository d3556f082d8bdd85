// Package anomaly keeps short series and finds what leaves its own past; how is in internal/detect. OTLP metrics are kept
// as streams, as they were read, and become series; how is in internal/meter, internal/delta and internal/histogram.
//
// Promises:
//   - A point at or before the last one of its series does not change that, and a point of OTLP is taken once, so
//     points and batches may be sent again.
//   - Series are finite. What is NaN, infinite or a gap is in the streams only.
//   - An anomaly is on disk before the call that changed it returns without an error, and then OnChange is called.
//   - Inputs go into a journal before their call returns. A restart judges those of the last Config.Replay again, in
//     the same order, so it knows the baselines and the open anomalies, and points that are sent again are still known.
//     An anomaly whose series is not in the journal any more ends at its last point.
//   - Series, streams, points of each, buckets, labels, anomalies and the journal are bounded.
package anomaly
