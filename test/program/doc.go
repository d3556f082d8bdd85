// Package program runs the built product as a process of its own, for tests and benchmarks: it starts, reads what the
// process says, tells what it costs, and ends it as Ctrl-C or as a crash does.
//
// What it promises: a process that was started is waited for by one goroutine until it has ended, and Stop and Kill
// return only after that. Costs are those that the kernel counts for the process alone.
package program
