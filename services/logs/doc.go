// Package logs stores every log record, counts every record under a template, and finds both again.
//
// Promise: when Done of a batch is called, its records can be searched, and they are in the counts of their templates,
// each exactly once, whatever crashes. For each service the counts of its templates add up to the records it sent.
//
//	Push ─ decode ─► queue ─► writer: drop what was applied ─ mine ─ one synced commit ─► Done
//	                            │                  ▲
//	                            └── every step ────┴─► log.template.rate points to anomaly
//
// How the promise is kept: one goroutine, the writer, owns the miners and the store. It takes all that waits in the queue
// as a group, skips positions that the sender's mark says are applied, and writes records, changed templates and the new
// marks in one atomic, synced batch. A crash therefore leaves either all of a group or nothing of it; in the second case
// the sender pushes it again and it is mined anew from the templates on disk.
//
// A record is kept as it came; what is doubtful in it is told beside it (internal/filing, internal/body).
// Records leave by age or when the store is full, oldest first; templates and their counts stay (bounded by
// internal/drain). The mining is Drain: He et al., ICWS 2017; see internal/drain for where it differs.
package logs
