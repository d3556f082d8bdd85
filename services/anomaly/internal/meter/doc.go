// Package meter reads OTLP metrics. It is pure: requests go in; out come readings, which are points of series to be
// watched, and the streams that the points belong to, as they were read.
//
// What a metric becomes:
//
//   - a gauge, and a sum that may fall, is its value;
//   - a sum that only rises is its rate a second, under the same name;
//   - a histogram or summary is name.rate, name.mean and, where it has buckets, name.p90; durations in seconds.
//
// A total is turned into what was added since the point before, over resets (internal/delta) and other buckets
// (internal/histogram). The first total of a stream makes no reading, since what it says may have been long ago.
//
// A stream keeps its last points as they came, each with what was added and what is odd about it. Values that are not
// finite, and points that say that there is no value, are kept and counted there, and make no reading: no statistic ever
// holds them. A point that came before is known by its start and time and changes nothing, so a request may be read
// again. One that is late is taken if it can still be told from one that came before; it makes no reading.
//
// Few metrics say what is bad. Only those are to be judged: utilisations, backlogs and durations; the rest is shown.
//
// Bounds: streams, points of a stream, buckets of a distribution, labels and their lengths.
package meter
