// Package diagnosis says what is wrong and why, with evidence.
//
//	every 1 s: anomalies ─► groups (internal/group) ─► incidents ─► causes (internal/cause) ─► evidence
//	every 10 s: graph
//
// Promises:
//   - An incident rests on more than one noisy series; internal/group says on what.
//   - Causes are ranked by probability, ties stay ties, and what is missing to 1 is "none of these". Where a series
//     does not exist or has not been judged, its silence counts for nothing.
//   - Causes are looked for in the graph as it was before the incident began, since a fault can remove edges.
//   - An incident outlives a restart. While anomaly does not answer nothing changes; while assembly or logs do not
//     answer there is less evidence.
//
// A change of state or of members is stored at once; causes are weighed again when members change, and every few
// seconds while the incident is open. State on disk: incidents/ and graphs/ (pkg/table), by the id of the incident.
// One goroutine, Run's, changes all of it.
package diagnosis
