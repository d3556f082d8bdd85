// Package remediation plans what to do about an incident and, once a person has approved exactly that, does it, once.
//
//	every 2 s: open incidents ─► top cause ─► playbook ─► dry run ─► PROPOSED
//	approve (id, hash) ─► APPROVED ─► RUNNING, a step at a time ─► SUCCEEDED or FAILED
//
// Promises:
//   - Nothing is done without an approval that names the hash of the plan, and a plan is approved once.
//   - Every event is in the audit file, synced, before the plan changes and before an action begins. The file is a chain
//     of hashes; when it is found broken the service says so, proposes nothing and does nothing.
//   - One plan at a time for a service, then a pause; a plan goes when its incident ends, when the cause turns out to
//     be another, or when nobody answers in time.
//
// After a crash the audit file says how far each plan had come; the stored plans follow it. A plan that was approved or
// running is carried on if its approval has not lapsed. The step that had been started and not finished is done again,
// which is safe for both actions: a call carries the same idempotency key (plan and step), and a boost is a
// policy with a name of its own (plan and step), which is left alone if it is there. A new kind of action must
// have such a key too, or must be made to fail on the way back.
//
// State on disk: plans/ (pkg/table) and audit.log (audit.go). The lock order is mu, then the audit's own.
package remediation
