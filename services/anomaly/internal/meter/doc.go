// Package meter makes points of series from OTLP metrics. It is pure: requests go in, readings come out.
//
// What a metric becomes:
//
//   - a gauge, and a sum that may fall, is its value;
//   - a sum that only rises is its rate a second, under the same name;
//   - a histogram or summary is name.rate, name.mean and, where it has buckets, name.p90; durations in seconds.
//
// A cumulative value needs the one before it, so the first makes no reading, and neither does the first after a reset,
// which is a later start time or a value that fell: what happened between the last point and the reset is not known.
// A point at or before the last one of its stream makes nothing, so a request may be read again.
//
// Few metrics say what is bad. Only those are to be judged: utilisations, backlogs and durations; the rest is shown.
package meter
