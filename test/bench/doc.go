// Command bench measures Triflow as its users run it: a process of the built binary, spans coming in over OTLP, figures
// read from outside. It measures the whole system, with every trace kept and with one in a hundred; and ingestion alone,
// over its transports, sizes, connections and durabilities, with roles behind it that are done at once. It writes the
// sections of a page with what it measured and on which machine.
//
// What it promises: each request holds trace and span ids that were never sent before, unless it is compressed; an
// export counts when it was acknowledged; a run ends well only if the process's ledgers account for exactly the spans
// that were acknowledged. Costs are those of the triflow process alone; the sender runs on the same machine and takes
// its share of the cores.
package main
