// Package anomaly keeps short series and finds what leaves its own past; how is in internal/detect.
//
// Promises:
//   - A point at or before the last one of its series changes nothing, so points may be sent again.
//   - An anomaly is on disk before the call that changed it returns. After a restart those that were open are ended
//     at their last point, because the baseline that judged them is gone.
//   - Series, points of a series and anomalies are bounded by Config.
package anomaly
