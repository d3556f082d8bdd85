// Package anomaly keeps short series and finds what leaves its own past; how is in internal/detect. What OTLP metrics
// become is in internal/meter.
//
// Promises:
//   - A point at or before the last one of its series changes nothing, so points and batches may be sent again.
//   - An anomaly is on disk before the call that changed it returns without an error, and then OnChange is called.
//   - Inputs go into a journal before their call returns. A restart judges those of the last Config.Replay again, in
//     the same order, so it knows the baselines and the open anomalies, and points that are sent again are still known.
//     An anomaly whose series is not in the journal any more ends at its last point.
//   - Series, points of a series, labels, anomalies and the journal are bounded.
package anomaly
