// Command bench measures the whole of Triflow as its users run it: one process of the built binary, spans coming in
// over OTLP/gRPC, figures read from outside. It runs twice, with every trace kept and with one in a hundred, and writes
// a page with what it measured and on which machine.
//
// What it promises: each request holds trace and span ids that were never sent before; an export counts when it was
// acknowledged; a run ends well only if the process's ledgers account for exactly the spans that were acknowledged.
// Costs are those of the triflow process alone; the sender runs on the same machine and takes its share of the cores.
package main
