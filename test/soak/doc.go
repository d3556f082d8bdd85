// Package soak holds the front door to its promises when it is worst off: a real process of `triflow ingestion`, real
// senders over both transports, and behind it receivers that are slow, or take nothing, break their streams, and count
// every item.
//
// Overload: for as long as twice what the receivers take is offered, by small exports and by large ones, packed and not,
// beside senders that stall, the memory of the process stays under its memory-limit; whatever is refused is refused by a
// code that OTLP sends again after, with a delay; and a sender that follows it has everything in when the load is over.
//
// Crashes: the process is killed at random moments, in the middle of load and while it starts, and once more with the
// power of its file system cut before, so that what was not synced is gone. It starts again by itself, and every item
// that was ever acknowledged comes, once, but for batches that come again at the position that they had.
//
// All run for a while in every test run. TRIFLOW_TEST_SOAK=10m and TRIFLOW_TEST_KILLS=200 make them long.
package soak
